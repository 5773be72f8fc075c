/** Label errors and influences take seconds of pure computation: they are found in a thread of their own, one question each. */
import { parentPort, workerData } from 'node:worker_threads';
import { asHeadwaterError, type ErrorCode } from '@headwater/errors';
import {
  deserializeLabelledSet,
  type Head,
  type InfluenceRanking,
  type InfluenceTarget,
  type LabelledVector,
  type LabelSuspect,
  rankInfluences,
  rankLabelErrors,
} from '@headwater/heads';

export interface ReviewQuestion {
  /** A serialized labelled set. */
  readonly bytes: Uint8Array;
  /** Some of its examples, in the order of their sample keys. */
  readonly examples: readonly LabelledVector[];
  /** Whose regularization and temperature are used; null: a provisional one is trained. */
  readonly head: Head | null;
  readonly limit: number;
  /** Null: which labels are likely wrong. Else: which examples its answer rests on. */
  readonly target: InfluenceTarget | null;
}

export type ReviewAnswer =
  | { readonly suspects: readonly LabelSuspect[] }
  | { readonly influences: InfluenceRanking }
  | { readonly code: ErrorCode; readonly message: string };

function answer({ bytes, examples, head, limit, target }: ReviewQuestion): ReviewAnswer {
  try {
    const set = deserializeLabelledSet(bytes);
    const options = { limit, ...(head === null ? {} : { head }) };
    if (target === null) return { suspects: rankLabelErrors(set, examples, options) };
    return { influences: rankInfluences(set, examples, [target], options) };
  } catch (thrown) {
    const { code, message } = asHeadwaterError(thrown);
    return { code, message };
  }
}

parentPort?.postMessage(answer(workerData as ReviewQuestion));
