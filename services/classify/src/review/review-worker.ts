/**
 * Worker thread for label errors, influences and cross-validation, which compute for seconds: one request a
 * thread.
 */
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
  /** A serialized training set. */
  readonly bytes: Uint8Array;
  /** Examples of it, in the order of their sample keys. */
  readonly examples: readonly LabelledVector[];
  /** Its regularization and temperature are used; null: those of a new provisional head. */
  readonly head: Head | null;
  readonly limit: number;
  /** Null: find likely label errors. Else: find the examples that influence this prediction. */
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
