/**
 * From a record of `images` to the encoded bytes of one image. Any Kafka client may write there, so everything it
 * says is checked: that the record decodes, that its key is its id, that a claim check keeps what it promises.
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

/** Claim checks that are held in memory at once: each may be as large as the limit on images. */
const referencesAtOnce = 8;

/** Between the clocks of producers and of the blob store. */
const clocksDifferMs = 5_000;

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
    throw new HeadwaterError('record-invalid', 'The key of the record must be the id of its image.', {
      context: { hasKey: record.key !== null },
    });
  }
  const fault = timeProblem(image.receivedAt, 'receivedAt');
  if (fault !== undefined) throw new HeadwaterError('record-invalid', fault);
  return image;
}

/** Fetches what a claim check stands for, and lets only so many of them be in memory. */
export class ImageContents {
  private readonly blobs: Pick<BlobStore, 'deleteOwned'>;
  private readonly reads: BlobReads;
  private readonly maxBytes: number;
  private readonly places = new Semaphore(referencesAtOnce);

  constructor(blobs: Pick<BlobStore, 'deleteOwned'>, reads: BlobReads, maxBytes: number) {
    this.blobs = blobs;
    this.reads = reads;
    this.maxBytes = maxBytes;
  }

  /**
   * Gives `use` the encoded bytes, and keeps them no longer than it takes.
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
    await this.places.enter(signal);
    try {
      return await use(await this.reads.get(content, { image: id, record }, signal));
    } finally {
      this.places.leave();
    }
  }

  /**
   * Deletes the bytes in the blob store of an image that was erased at `at`, milliseconds since the epoch, by whatever way. What is about
   * as young may be the same image that was sent again: it stays. Errors: blob-store-unavailable.
   */
  async erase(id: string, at: number): Promise<void> {
    await this.blobs.deleteOwned(id, at - clocksDifferMs);
  }

  private check({ byteLength }: ImageReference): void {
    if (byteLength <= this.maxBytes) return;
    throw new HeadwaterError('image-too-large', 'The image has more bytes than the limit allows.', {
      context: { bytes: byteLength, maxBytes: this.maxBytes },
    });
  }
}
