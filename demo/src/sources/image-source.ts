/** The images of a run: the digits, or the user's folder. */
import { createHash } from 'node:crypto';

/** Fields of an image record besides its bytes; an image without them is sent over HTTP. */
interface ImageFacts {
  readonly mediaType: string;
  readonly width: number;
  readonly height: number;
}

export interface SourceImage {
  /** A file name, or the number of a digit, for messages. */
  readonly name: string;
  /** The encoded file. */
  readonly bytes: Buffer;
  /** The true label; null where it is unknown. */
  readonly label: string | null;
  readonly facts?: ImageFacts;
}

/** Ids are content-addressed: the SHA-256 of the file, in hex. */
export function imageIdOf({ bytes }: SourceImage): string {
  return createHash('sha256').update(bytes).digest('hex');
}

export interface ImageSource {
  readonly name: string;
  /** The task that the labels belong to. */
  readonly task: string;
  readonly extractor: string;
  /** Classes that the extractor's net was trained on; accuracy is reported apart for them. */
  readonly seen: ReadonlySet<string>;
  /** Number of distinct images. */
  readonly size: number;
  /** At most so many, in a fixed order; `first` counts those that earlier runs on the same data have sent. */
  images(limit: number, first?: number): AsyncIterable<SourceImage> | Iterable<SourceImage>;
}
