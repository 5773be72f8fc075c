/**
 * Stored form of examples: one entry an example in the order of a refill, and an index by image, so that a
 * correction removes exactly what was added.
 */
import { createHash } from 'node:crypto';
import { type LabelledVector, sampleKey } from '@headwater/heads';

/** Key part that identifies a training set. */
export function setId(extractor: string, task: string): string {
  return createHash('sha256')
    .update(JSON.stringify([extractor, task]))
    .digest('base64url')
    .slice(0, 22);
}

export const setsPrefix = 'set/';

export function setKey(set: string): string {
  return `${setsPrefix}${set}`;
}

export function examplesPrefix(set: string): string {
  return `example/${set}/`;
}

export function exampleKey(
  set: string,
  example: { readonly imageId: string; readonly group: string | null },
): string {
  return `${examplesPrefix(set)}${Buffer.from(sampleKey(example)).toString('hex')}`;
}

/** The value under it is the key of the image's example. */
export function imageIndexKey(set: string, imageId: string): string {
  return `at/${set}/${createHash('sha256').update(imageId, 'utf8').digest('base64url')}`;
}

interface SeriesName {
  readonly extractor: string;
  readonly task: string;
  readonly kind: string;
}

/** Prequential scores of a head series. */
export function scoresKey({ extractor, task, kind }: SeriesName): string {
  return `scores/${setId(extractor, task)}/${kind}`;
}

/** Class tables of a head series. */
export function measuredKey({ extractor, task, kind }: SeriesName): string {
  return `measured/${setId(extractor, task)}/${kind}`;
}

/** The solve settings of a series' newest head. */
export function solvedKey({ extractor, task, kind }: SeriesName): string {
  return `solved/${setId(extractor, task)}/${kind}`;
}

/** Entries are ordered by assignedAt, then by sample key; a value is the key of the example. */
export function timesPrefix(set: string): string {
  return `time/${set}/`;
}

/** Milliseconds since the epoch as hexadecimal digits in the order of time, also before 1970. */
export function timeDigits(milliseconds: number): string {
  const shifted = BigInt(milliseconds) + 2n ** 63n;
  return shifted.toString(16).padStart(16, '0');
}

/** The part of the key after the prefix of times. */
export function timePosition(example: StoredExample): string {
  return `${timeDigits(example.assignedAt)}/${Buffer.from(sampleKey(example)).toString('hex')}`;
}

/** A labelled vector with the time of its label. */
export interface StoredExample extends LabelledVector {
  /** Milliseconds since the epoch. */
  readonly assignedAt: number;
}

/**
 * uint32 length of a JSON header, the header, then the int16 vector (little-endian, as on all supported
 * platforms).
 */
export function encodeExample(example: StoredExample): Buffer {
  const { imageId, label, group, vector, assignedAt } = example;
  const header = Buffer.from(JSON.stringify([imageId, label, group, assignedAt]));
  const length = Buffer.alloc(4);
  length.writeUInt32LE(header.length);
  return Buffer.concat([length, header, new Uint8Array(vector.buffer, vector.byteOffset, vector.byteLength)]);
}

export function decodeExample(bytes: Buffer): StoredExample {
  const end = 4 + bytes.readUInt32LE(0);
  const header = JSON.parse(bytes.toString('utf8', 4, end)) as [string, string, string | null, number];
  const [imageId, label, group, assignedAt] = header;
  const vector = new Int16Array(Uint8Array.from(bytes.subarray(end)).buffer);
  return { imageId, label, group, vector, assignedAt };
}
