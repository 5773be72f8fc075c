/** What ingest asks the owner of an image in classify. */
import type { PartialAnswer } from './peers.ts';

/** What the join keeps of an image. */
export interface ImageAnswer extends PartialAnswer {
  /** Milliseconds since the epoch. */
  readonly asOf: number;
  /** Of the newest record with a vector; null where the image has none. */
  readonly receivedAt: number | null;
  /** Time of the newest erasure; null where there was none. */
  readonly erasedAt: number | null;
  /** Whether a prediction was published for the newest record. */
  readonly isPredicted: boolean;
  /** The predictions for the newest record that are still kept. */
  readonly predictions: readonly ImagePrediction[];
}

export interface ImagePrediction {
  readonly task: string;
  readonly extractor: string;
  /** The most probable classes. */
  readonly probabilities: readonly (readonly [label: string, probability: number])[];
  readonly [member: string]: unknown;
}

export function imageQuestionPath(imageId: string): string {
  return `/v1/peers/image?${new URLSearchParams({ imageId })}`;
}
