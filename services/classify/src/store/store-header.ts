/** Where a store stands: in the store itself, and noted beside it for those who must not open it. */
import { readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Positions } from '@headwater/log';

export interface StoreHeader {
  readonly identity: string;
  /** Milliseconds since the epoch. */
  readonly writtenAt: number;
  readonly positions: Positions;
}

const noteFile = 'header.json';

export function encodeHeader({ positions, ...header }: StoreHeader): Buffer {
  const entries = [...positions].map(([topic, offset]) => [topic, String(offset)]);
  return Buffer.from(JSON.stringify({ ...header, positions: entries }));
}

export function decodeHeader(bytes: Buffer | undefined): StoreHeader | undefined {
  if (bytes === undefined) return undefined;
  const { identity, writtenAt, positions } = JSON.parse(bytes.toString('utf8')) as {
    readonly identity: string;
    readonly writtenAt: number;
    readonly positions: readonly (readonly [string, string])[];
  };
  return {
    identity,
    writtenAt,
    positions: new Map(positions.map(([topic, offset]) => [topic, BigInt(offset)])),
  };
}

/** A note that cannot be written is no error: the store is not claimed then, or as an older one. */
export function writeHeaderNote(folder: string, header: StoreHeader): void {
  const path = join(folder, noteFile);
  try {
    writeFileSync(`${path}.new`, encodeHeader(header));
    renameSync(`${path}.new`, path);
  } catch {
    rmSync(`${path}.new`, { force: true });
  }
}

/**
 * Undefined without a store, or a readable note of it. LMDB would have to be opened for the header itself, and ends the
 * process where a file is damaged, or was not finished by a process that was killed.
 */
export function readHeaderNote(folder: string): StoreHeader | undefined {
  try {
    if (statSync(join(folder, 'data.mdb')).size === 0) return undefined;
    return decodeHeader(readFileSync(join(folder, noteFile)));
  } catch {
    return undefined;
  }
}
