/** Label errors, influences and held-out measurements take seconds of pure computation: a thread of their own finds them, one question each. */
import { parentPort, workerData } from 'node:worker_threads';
import { asHeadwaterError, type ErrorCode } from '@headwater/errors';
import {
  deserializeTrainingSet,
  type Head,
  type InfluenceRanking,
  type InfluenceTarget,
  type LabelErrorCandidate,
  type LabelledVector,
  rankInfluences,
  rankLabelErrors,
} from '@headwater/heads';
import { type CrossValidationReport, type CrossValidationRequest, crossValidateHead } from './held-out.ts';

export interface RankingRequest {
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

export type ReviewRequest = RankingRequest | CrossValidationRequest;

export interface ReviewFailure {
  readonly code: ErrorCode;
  readonly message: string;
}

export type ReviewResponse =
  | { readonly suspects: readonly LabelErrorCandidate[] }
  | { readonly influences: InfluenceRanking }
  | { readonly heldOut: CrossValidationReport }
  | ReviewFailure;

function answer(question: ReviewRequest): ReviewResponse {
  try {
    return 'kind' in question ? { heldOut: crossValidateHead(question) } : rank(question);
  } catch (thrown) {
    const { code, message } = asHeadwaterError(thrown);
    return { code, message };
  }
}

function rank({ bytes, examples, head, limit, target }: RankingRequest): ReviewResponse {
  const set = deserializeTrainingSet(bytes);
  const options = { limit, ...(head === null ? {} : { head }) };
  if (target === null) return { suspects: rankLabelErrors(set, examples, options) };
  return { influences: rankInfluences(set, examples, [target], options) };
}

parentPort?.postMessage(answer(workerData as ReviewRequest));
