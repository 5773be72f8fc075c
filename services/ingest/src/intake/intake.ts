/**
 * The intake of images, from HTTP and folders: inspects the bytes, assigns the id, stores large images in the blob
 * store, and resolves when the record is in the log.
 */
import { createHash, webcrypto } from 'node:crypto';
import type { BlobStore, StoredBlob } from '@headwater/blobs';
import type { Codec, ImageReceived } from '@headwater/schemas';
import { currentTrace } from '@headwater/service-kit';
import type { Clock } from './clock.ts';
import { type ImageFacts, type ImageLimits, inspectImage } from './inspection.ts';
import type { Sender } from './sender.ts';

/** A received image; its texts have been checked. */
export interface ImageInput {
  readonly bytes: Buffer;
  /** Default: the SHA-256 of the bytes in hex, so that identical files are one image. */
  readonly id?: string | undefined;
  readonly source: string;
  readonly group?: string | undefined;
  readonly attributes?: Readonly<Record<string, string>>;
  /** Labels that the source knows, by task. */
  readonly labels?: Readonly<Record<string, string>>;
}

export interface AcceptedImage extends ImageFacts {
  readonly id: string;
  /** Unique among the records of one id by one process; the predictions of this record have it. */
  readonly receivedAt: number;
  readonly byteLength: number;
  /** The blob, where the record has a claim check. */
  readonly blob: StoredBlob | undefined;
}

export interface Intake {
  /**
   * `announce` is called before the record is sent, so that a listener is registered before any prediction.
   * Errors: image-unreadable, image-type-unsupported, image-too-large, overloaded, log-unavailable, blob-store-unavailable.
   */
  accept(input: ImageInput, announce?: (image: AcceptedImage) => void): Promise<AcceptedImage>;
  /** Checks the bytes as `accept` does, without accepting them. Errors: those of `accept` about the bytes. */
  inspect(bytes: Buffer): Promise<ImageFacts>;
  /** Publishes the tombstone of an image, and deletes its blobs. */
  erase(id: string): Promise<void>;
}

export interface IntakeOptions {
  readonly topic: string;
  readonly codec: Codec<ImageReceived>;
  readonly sender: Sender;
  readonly blobs: BlobStore;
  readonly clock: Clock;
  readonly limits: ImageLimits;
  /** Larger images go to the blob store. */
  readonly inlineLimitBytes: number;
}

export function createIntake(options: IntakeOptions): Intake {
  const { topic, codec, sender, blobs, clock, limits, inlineLimitBytes } = options;
  const inspect = (bytes: Buffer) => inspectImage(bytes, limits);
  return {
    inspect,
    async accept(input, announce) {
      const { bytes } = input;
      const facts = await inspect(bytes);
      const id = input.id ?? (await sha256Of(bytes));
      const content = bytes.length > inlineLimitBytes ? await blobs.put(bytes, { owner: id }) : bytes;
      const accepted: AcceptedImage = {
        id,
        receivedAt: clock.next(id),
        byteLength: bytes.length,
        blob: 'uri' in content ? content : undefined,
        ...facts,
      };
      announce?.(accepted);
      const value = codec.encode(toRecord(input, accepted, content));
      await sender.send([{ topic, key: id, value, ...currentTrace() }]);
      return accepted;
    },
    async erase(id) {
      await sender.send([{ topic, key: id, value: null, ...currentTrace() }]);
      await blobs.deleteOwned(id);
    },
  };
}

function toRecord(
  input: ImageInput,
  { id, receivedAt, mediaType, width, height }: AcceptedImage,
  content: ImageReceived['content'],
): ImageReceived {
  const { source, attributes = {}, labels = {}, group = null } = input;
  return { id, source, receivedAt, mediaType, width, height, content, attributes, labels, group };
}

/** Hashing 10 MB takes about 20 ms: large images are hashed off the event loop. */
const HASH_INLINE_BYTES = 256 * 1024;

async function sha256Of(bytes: Buffer): Promise<string> {
  if (bytes.length <= HASH_INLINE_BYTES) return createHash('sha256').update(bytes).digest('hex');
  return Buffer.from(await webcrypto.subtle.digest('SHA-256', bytes)).toString('hex');
}
