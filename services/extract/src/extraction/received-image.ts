/**
 * Reads the encoded bytes of an image from a record of `images`. Any Kafka client may write to that topic, so the
 * record is validated: its encoding, its key, its time and its claim check.
 */
import type { BlobStore } from '@headwater/blobs';
import { HeadwaterError } from '@headwater/errors';
import { Semaphore } from '@headwater/extractors';
import type { LogRecord } from '@headwater/log';
import {
  type Codec,
  type ImageReceived,
  type ImageReference,
  imageIdOfKey,
  timeProblem,
} from '@headwater/schemas';
import type { BlobReads } from './blob-reads.ts';

/** Maximum claim checks in memory: each may be as large as the limit on images. */
const referencesAtOnce = 8;

/** Maximum difference between the clocks of producers and the blob store. */
const clockSkewMs = 5_000;

function isReference(content: Buffer | ImageReference): content is ImageReference {
  return !(content instanceof Uint8Array);
}

/**
 * Errors: record-empty, wire-format-invalid, avro-invalid, schema-unknown, schema-incompatible, record-invalid (the
 * key is not the id, or none; receivedAt is out of the range of record times).
 */
export async function decodeImageReceived(
  record: LogRecord,
  codec: Codec<ImageReceived>,
): Promise<ImageReceived> {
  const image = await codec.decode(record.value ?? Buffer.alloc(0));
  if (imageIdOfKey(record.key) !== image.id) {
    throw new HeadwaterError('record-invalid', 'the key of the record must be the id of its image', {
      context: { hasKey: record.key !== null },
    });
  }
  const problem = timeProblem(image.receivedAt, 'receivedAt');
  if (problem !== undefined) throw new HeadwaterError('record-invalid', problem);
  return image;
}

/** Fetches the bytes of claim checks, with a limit on those in memory. */
export class ImageContents {
  private readonly blobs: Pick<BlobStore, 'deleteOwned'>;
  private readonly reads: BlobReads;
  private readonly maxBytes: number;
  private readonly permits = new Semaphore(referencesAtOnce);

  constructor(blobs: Pick<BlobStore, 'deleteOwned'>, reads: BlobReads, maxBytes: number) {
    this.blobs = blobs;
    this.reads = reads;
    this.maxBytes = maxBytes;
  }

  /**
   * Calls `use` with the encoded bytes, and holds a permit until it settles.
   * Errors: image-too-large, blob-missing, blob-corrupt, blob-forbidden, blob-store-unavailable, and those of `use`.
   */
  async with<T>(
    record: LogRecord,
    { id, content }: ImageReceived,
    use: (bytes: Uint8Array) => Promise<T>,
    signal: AbortSignal,
  ): Promise<T> {
    if (!isReference(content)) return await use(content);
    this.check(content);
    await this.permits.enter(signal);
    try {
      return await use(await this.reads.get(content, { image: id, record }, signal));
    } finally {
      this.permits.leave();
    }
  }

  /**
   * Deletes the blobs of an image that was erased at `at`, milliseconds since the epoch. Blobs of about the same age
   * are kept: the image may have been sent again. Errors: blob-store-unavailable.
   */
  async erase(id: string, at: number): Promise<void> {
    await this.blobs.deleteOwned(id, at - clockSkewMs);
  }

  private check({ byteLength }: ImageReference): void {
    if (byteLength <= this.maxBytes) return;
    throw new HeadwaterError('image-too-large', 'the image has more bytes than the limit allows', {
      context: { bytes: byteLength, maxBytes: this.maxBytes },
    });
  }
}
