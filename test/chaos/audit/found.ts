/** What a client that is not ours has read: a line for each record, with what the check needs of it. See python/read_topics.py. */

type Line<Topic extends string, Value> = {
  readonly topic: Topic;
  /** `topic/partition/offset`. */
  readonly place: string;
  readonly key: string | null;
  /** The place of the record that it came of. */
  readonly source: string | null;
  readonly value: Value;
};

export type FoundImage = Line<'images', { readonly imageId: string } | null>;
export type FoundLabel = Line<
  'labels',
  {
    readonly imageId: string;
    readonly label: string | null;
    readonly assignedAt: number;
    readonly annotator: string;
  }
>;
export type FoundVector = Line<'vectors', { readonly imageId: string } | null>;
export type FoundPrediction = Line<
  'predictions',
  { readonly imageId: string; readonly head: { readonly version: number; readonly digest: string } | null }
>;
export type FoundExample = Line<
  'examples',
  { readonly imageId: string; readonly label: string | null; readonly digest: string | null } | null
>;
export type FoundHead = Line<
  'heads',
  {
    readonly kind: string;
    readonly version: number;
    readonly digest: string;
    readonly setDigest: string;
    readonly watermark: number;
    readonly mode: 'provisional' | 'settled';
    readonly examples: number;
  } | null
>;
export type FoundDeadLetter = {
  readonly topic: 'deadLetters';
  readonly place: string;
  readonly source: string | null;
  readonly reason: string;
};

/** All that was read, by topic. */
export interface Found {
  readonly images: readonly FoundImage[];
  readonly labels: readonly FoundLabel[];
  readonly vectors: readonly FoundVector[];
  readonly predictions: readonly FoundPrediction[];
  readonly examples: readonly FoundExample[];
  readonly heads: readonly FoundHead[];
  readonly deadLetters: readonly FoundDeadLetter[];
}
