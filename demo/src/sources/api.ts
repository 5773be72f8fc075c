/** Where the images of a run come from: the digits, or a folder of one's own. */

/** What a Kafka client must know of an image besides its bytes; an image without it goes through HTTP. */
export interface ImageFacts {
  readonly mediaType: string;
  readonly width: number;
  readonly height: number;
}

export interface SourceImage {
  /** Where it came from, for messages: a file name, or the number of a digit. */
  readonly name: string;
  /** The encoded file. */
  readonly bytes: Buffer;
  /** The truth; null where none is known. */
  readonly label: string | null;
  readonly facts?: ImageFacts;
}

export interface ImageSource {
  readonly name: string;
  /** The question that the labels answer. */
  readonly task: string;
  readonly extractor: string;
  /** Classes that the extractor's net was trained on, for the comparison with those that it never saw. */
  readonly seen: ReadonlySet<string>;
  /** How many distinct images there are. */
  readonly size: number;
  /** At most so many, in a fixed order; `first` counts those that earlier runs on the same data have sent. */
  images(limit: number, first?: number): AsyncIterable<SourceImage> | Iterable<SourceImage>;
}
