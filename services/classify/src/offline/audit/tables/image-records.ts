/**
 * The newest record of each image, and its newest vector of each extractor, on disk. Vectors are compacted,
 * so older records require no output.
 */
import { createHash } from 'node:crypto';
import { HeadwaterError } from '@headwater/errors';
import { type LogRecord, type RecordPlace, sourceOf } from '@headwater/log';
import { imageIdOfKey } from '@headwater/schemas';
import type { Draft, StateReader } from '../../../store/state.ts';
import { decodeJsonEntry, encodeJsonEntry } from './plain.ts';

/** A record of `images`. */
export interface ImageRecord {
  /** Null where the key is not an image id: such a record must become a dead letter. */
  readonly imageId: string | null;
  readonly partition: number;
  readonly offset: bigint;
  /** The record erases the image. */
  readonly erases: boolean;
  /** Milliseconds since the epoch. */
  readonly timestamp: number;
}

/** A record of `vectors.<extractor>`. */
export interface VectorRecord {
  readonly partition: number;
  readonly offset: bigint;
  readonly erases: boolean;
  /** Null for a vector without a source record, such as an imported one. */
  readonly source: RecordPlace | null;
}

const imagesPrefix = 'image/';

export function putImageRecord(draft: Draft, { key, value, partition, offset, timestamp }: LogRecord): void {
  const imageId = imageIdIn(key);
  const name = imageId === null ? `-${offset}` : imageDigest(imageId);
  const record: ImageRecord = { imageId, partition, offset, erases: value === null, timestamp };
  draft.put(`${imagesPrefix}${name}/${partition}`, encodeJsonEntry(record));
}

export function* imageRecords(state: StateReader): Generator<ImageRecord> {
  for (const { value } of state.range(imagesPrefix)) yield decodeJsonEntry<ImageRecord>(value);
}

/** Records must come in the order of their partition. Those without an image id are ignored. */
export function putVectorRecord(draft: Draft, extractor: string, record: LogRecord): void {
  const imageId = imageIdIn(record.key);
  if (imageId === null) return;
  const { partition, offset, value } = record;
  const vector: VectorRecord = { partition, offset, erases: value === null, source: sourceOf(record) };
  draft.put(vectorKey(extractor, imageId), encodeJsonEntry(vector));
}

export function vectorRecord(
  state: StateReader,
  extractor: string,
  imageId: string,
): VectorRecord | undefined {
  const bytes = state.get(vectorKey(extractor, imageId));
  return bytes === undefined ? undefined : decodeJsonEntry<VectorRecord>(bytes);
}

/** Marks an image with records behind the cut: its examples cannot be judged now. */
export function markMoving(draft: Draft, { key }: LogRecord): void {
  const imageId = imageIdIn(key);
  if (imageId !== null) draft.put(movingKey(imageId), Buffer.alloc(0));
}

export function isMoving(state: StateReader, imageId: string): boolean {
  return state.get(movingKey(imageId)) !== undefined;
}

/** Null for a key that is not an image id. */
function imageIdIn(key: Buffer | null): string | null {
  try {
    return imageIdOfKey(key);
  } catch (error) {
    if (error instanceof HeadwaterError) return null;
    throw error;
  }
}

/** A digest, since ids may be longer than keys. */
export function imageDigest(imageId: string): string {
  return createHash('sha256').update(imageId, 'utf8').digest('base64url');
}

function vectorKey(extractor: string, imageId: string): string {
  return `vector/${encodeURIComponent(extractor)}/${imageDigest(imageId)}`;
}

function movingKey(imageId: string): string {
  return `moving/${imageDigest(imageId)}`;
}
