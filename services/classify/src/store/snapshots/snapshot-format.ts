/**
 * A snapshot of a partition's store: parts of some megabytes with its entries in order, and a manifest that is written last.
 * The manifest names the SHA-256 of each part, and the name of the manifest's blob has its own.
 */
import { HeadwaterError } from '@headwater/errors';
import type { Positions } from '@headwater/log';
import type { StateEntry } from '../state.ts';
import type { StoreView } from './store-view.ts';

/** A snapshot of another version is not read. */
const formatVersion = 1;
const partBytes = 4 * 1024 * 1024;
/** What a reader accepts; a part exceeds `partBytes` by its last entry. */
export const largestPart = 16 * partBytes;
export const largestManifest = 16 * 1024 * 1024;

export interface SnapshotPart {
  /** Last segment of the blob's path. */
  readonly file: string;
  readonly byteLength: number;
  readonly sha256: string;
}

/** A record near a position: topics that were made anew do not have it. */
export interface Landmark {
  readonly topic: string;
  readonly offset: bigint;
  readonly timestamp: number;
}

export interface Manifest {
  readonly identity: string;
  readonly partition: number;
  /** Milliseconds since the epoch: the store has all records that were in the topics then. */
  readonly asOf: number;
  /** When the store was as it is here, in milliseconds since the epoch. */
  readonly takenAt: number;
  readonly positions: Positions;
  readonly landmarks: readonly Landmark[];
  readonly entries: number;
  readonly bytes: number;
  readonly parts: readonly SnapshotPart[];
}

/** The next part of the entries, and how many it has; undefined at the end. Errors: store-unavailable. */
export function readPart(view: StoreView): { readonly bytes: Buffer; readonly entries: number } | undefined {
  const chunks: Buffer[] = [];
  let length = 0;
  view.read(({ key, value }) => {
    const name = Buffer.from(key, 'utf8');
    const head = Buffer.allocUnsafe(8);
    head.writeUInt32LE(name.length, 0);
    head.writeUInt32LE(value.length, 4);
    // The value may be a view that does not outlive the step.
    chunks.push(Buffer.concat([head, name, value]));
    length += 8 + name.length + value.length;
    return length < partBytes;
  });
  if (chunks.length === 0) return undefined;
  if (length > largestPart) {
    throw new HeadwaterError('store-unavailable', 'an entry of the local store is too large for a snapshot', {
      context: { length, largestPart },
    });
  }
  return { bytes: Buffer.concat(chunks, length), entries: chunks.length };
}

/** Values are views of the part. Errors: blob-corrupt. */
export function parsePart(part: Buffer): StateEntry[] {
  const entries: StateEntry[] = [];
  for (let at = 0; at < part.length; ) {
    if (at + 8 > part.length) throw damaged('a part ends within an entry');
    const value = at + 8 + part.readUInt32LE(at);
    const end = value + part.readUInt32LE(at + 4);
    if (end > part.length) throw damaged('a part ends within an entry');
    entries.push({ key: part.toString('utf8', at + 8, value), value: part.subarray(value, end) });
    at = end;
  }
  return entries;
}

export function manifestBytes(manifest: Manifest): Buffer {
  const positions = [...manifest.positions].map(([topic, offset]) => [topic, String(offset)]);
  const landmarks = manifest.landmarks.map((one) => ({ ...one, offset: String(one.offset) }));
  return Buffer.from(JSON.stringify({ formatVersion, ...manifest, positions, landmarks }));
}

/** Undefined for a manifest of another format version. Errors: blob-corrupt. */
export function parseManifest(bytes: Buffer): Manifest | undefined {
  try {
    const stated = JSON.parse(bytes.toString('utf8')) as Manifest & { readonly formatVersion: number };
    if (stated.formatVersion !== formatVersion) return undefined;
    const positions = [...stated.positions].map(([topic, offset]) => [topic, BigInt(offset)] as const);
    const landmarks = stated.landmarks.map((one) => ({ ...one, offset: BigInt(one.offset) }));
    return { ...stated, positions: new Map(positions), landmarks };
  } catch {
    throw damaged('its manifest cannot be read');
  }
}

export function damaged(how: string): HeadwaterError {
  return new HeadwaterError('blob-corrupt', `the snapshot is damaged: ${how}`);
}
