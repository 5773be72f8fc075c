/** Questions that processes of classify ask each other, and the answers, which are merged exactly. */
import type { ReviewSuggestion } from '@headwater/heads';
import type { ImageAnswer, PartialAnswer } from '@headwater/http';
import type { JoinPart } from '../join/monitoring/join-metrics.ts';
import type { RecentPrediction, ServedOutcome } from '../join/state/served-answers.ts';
import type { SeriesView } from '../train/scoring/train-metrics.ts';

export const questionKinds = ['join', 'train', 'outcomes', 'predictions', 'next', 'vector', 'image'] as const;
export type QuestionKind = (typeof questionKinds)[number];

/** Which members are needed depends on the question. */
export interface QuestionParameters {
  readonly task?: string | undefined;
  readonly limit?: number | undefined;
  readonly imageId?: string | undefined;
  readonly extractor?: string | undefined;
}

/** About the partitions that the process owns, of the group that the question is about. */
export interface Answer extends PartialAnswer {
  /** Milliseconds since the epoch. */
  readonly asOf: number;
}

export interface AnswersByQuestion {
  readonly join: Answer & JoinPart;
  readonly train: Answer & { readonly series: readonly SeriesView[] };
  readonly outcomes: Answer & { readonly outcomes: readonly ServedOutcome[] };
  readonly predictions: Answer & { readonly predictions: readonly RecentPrediction[] };
  readonly next: Answer & {
    readonly considered: number;
    readonly images: readonly (ReviewSuggestion & { readonly label: string | null })[];
  };
  /** Quantized numbers as base64; null where the process has no vector of the image. */
  readonly vector: Answer & { readonly vector: string | null };
  /** Asked by ingest. */
  readonly image: ImageAnswer;
}

export function questionPath(kind: QuestionKind, parameters: QuestionParameters): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) {
    if (value !== undefined) query.set(name, String(value));
  }
  return `/v1/peers/${kind}?${query}`;
}

export function encodeVector(numbers: Int16Array): string {
  return Buffer.from(numbers.buffer, numbers.byteOffset, numbers.byteLength).toString('base64');
}

export function decodeVector(text: string): Int16Array {
  const bytes = Uint8Array.from(Buffer.from(text, 'base64'));
  return new Int16Array(bytes.buffer);
}
