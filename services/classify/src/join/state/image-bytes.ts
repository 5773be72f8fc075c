/** Stored form of an image's state. The format version is part of the store's identity. */
import { createHash } from 'node:crypto';
import type { Answer, ImageState, KeptVector, StatedLabel } from './image-state.ts';

/** A digest, since ids may be longer than keys. */
export function imageKey(imageId: string): string {
  return `image/${digestOf(imageId)}`;
}

export function vectorKey(imageId: string, extractor: string): string {
  return `vector/${digestOf(imageId)}/${encodeURIComponent(extractor)}`;
}

export function encodeImage(image: ImageState): Buffer {
  const plain: PlainImage = {
    // Of an erased image only the time is kept, under a digest of the id.
    id: isForgotten(image) ? '' : image.imageId,
    assigned: [...image.assigned],
    vectors: [...image.vectors].map(([extractor, kept]) => [
      extractor,
      { ...kept, stated: [...kept.stated] },
    ]),
    answers: [...image.answers],
    ...(image.erasedAt === undefined ? {} : { erasedAt: image.erasedAt }),
  };
  return Buffer.from(JSON.stringify(plain));
}

/** The id is empty where only the time of an erasure is left. */
export function decodeImage(bytes: Buffer): ImageState {
  const plain = JSON.parse(bytes.toString('utf8')) as PlainImage;
  return {
    imageId: plain.id,
    assigned: new Map(plain.assigned),
    vectors: new Map(plain.vectors.map(([extractor, kept]) => [extractor, revive(kept)])),
    answers: new Map(plain.answers),
    ...(plain.erasedAt === undefined ? {} : { erasedAt: plain.erasedAt }),
  };
}

export function encodeNumbers(vector: Int16Array): Buffer {
  return Buffer.from(vector.buffer.slice(vector.byteOffset, vector.byteOffset + vector.byteLength));
}

/** Copies, since stored bytes need not be aligned. */
export function decodeNumbers(bytes: Uint8Array): Int16Array {
  return new Int16Array(Uint8Array.from(bytes).buffer);
}

/** Identifies a vector. */
export function vectorDigest(vector: Int16Array): string {
  const bytes = new Uint8Array(vector.buffer, vector.byteOffset, vector.byteLength);
  return createHash('sha256').update(bytes).digest('base64url');
}

interface PlainVector extends Omit<KeptVector, 'stated'> {
  readonly stated: readonly (readonly [string, StatedLabel])[];
}

interface PlainImage {
  readonly id: string;
  readonly assigned: readonly (readonly [string, StatedLabel])[];
  readonly vectors: readonly (readonly [string, PlainVector])[];
  readonly answers: readonly (readonly [string, Answer])[];
  readonly erasedAt?: number;
}

function isForgotten({ assigned, vectors }: ImageState): boolean {
  return assigned.size === 0 && vectors.size === 0;
}

function revive(kept: PlainVector): KeptVector {
  return { ...kept, stated: new Map(kept.stated) };
}

function digestOf(text: string): string {
  return createHash('sha256').update(text, 'utf8').digest('base64url');
}
