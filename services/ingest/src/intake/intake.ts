/**
 * The one way in for images, whether they come over HTTP or from a folder: look at the bytes, name them, check
 * large ones into the blob store, and answer only when the record is safe in the log.
 */
import { createHash, webcrypto } from 'node:crypto';
import type { BlobStore, StoredBlob } from '@headwater/blobs';
import type { Codec, ImageReceived } from '@headwater/schemas';
import type { Clock } from './clock.ts';
import { type ImageFacts, type ImageLimits, inspectImage } from './inspection.ts';
import type { Sender } from './sender.ts';

/** An image as it came in; all texts are checked already. */
export interface ImageInput {
  readonly bytes: Buffer;
  /** Default: the SHA-256 of the bytes in hex, so that the same file twice is one image. */
  readonly id?: string | undefined;
  readonly source: string;
  readonly group?: string | undefined;
  readonly attributes?: Readonly<Record<string, string>>;
  /** Task to label, as far as they are known at the source. */
  readonly labels?: Readonly<Record<string, string>>;
}

export interface AcceptedImage extends ImageFacts {
  readonly id: string;
  /** Unique among the acceptances of one id by one process; predictions of this very record carry it. */
  readonly receivedAt: number;
  readonly byteLength: number;
  /** Where the bytes are, when the record holds a claim check. */
  readonly blob: StoredBlob | undefined;
}

export interface Intake {
  /**
   * `announce` is called before the record is sent, so that no answer can come before its listener.
   * Errors: image-unreadable, image-type-unsupported, image-too-large, overloaded, log-unavailable, blob-store-unavailable.
   */
  accept(input: ImageInput, announce?: (image: AcceptedImage) => void): Promise<AcceptedImage>;
  /** Throws what `accept` would throw because of the bytes, and does nothing else. */
  inspect(bytes: Buffer): Promise<ImageFacts>;
  /** Publishes the tombstone that erases an image, and deletes its bytes in the blob store. */
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
      await sender.send([{ topic, key: id, value: codec.encode(toRecord(input, accepted, content)) }]);
      return accepted;
    },
    async erase(id) {
      await sender.send([{ topic, key: id, value: null }]);
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

/** Hashing 10 MB takes some 20 ms: what is large is hashed off the event loop, what is small at once. */
const HASH_INLINE_BYTES = 256 * 1024;

async function sha256Of(bytes: Buffer): Promise<string> {
  if (bytes.length <= HASH_INLINE_BYTES) return createHash('sha256').update(bytes).digest('hex');
  return Buffer.from(await webcrypto.subtle.digest('SHA-256', bytes)).toString('hex');
}
