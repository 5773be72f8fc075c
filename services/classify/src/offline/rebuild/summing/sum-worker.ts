/**
 * Worker thread that sums a part of the examples of one training set; responds to every request, in order.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { asHeadwaterError, type ErrorCode } from '@headwater/errors';
import type { LabelledVector, TrainingSetOptions } from '@headwater/heads';
import { Share } from './partial-sum.ts';

/** Examples to add; null: the end. */
export type SumRequest = readonly LabelledVector[] | null;

export type SumResponse =
  | { readonly added: number }
  | { readonly share: Uint8Array<ArrayBuffer> }
  | { readonly code: ErrorCode; readonly message: string };

if (parentPort !== null) serve(parentPort, new Share(workerData as TrainingSetOptions));

function serve(port: NonNullable<typeof parentPort>, share: Share): void {
  port.on('message', (request: SumRequest) => {
    const answer = answerWith(share, request);
    port.postMessage(answer, 'share' in answer ? [answer.share.buffer] : []);
  });
}

function answerWith(share: Share, request: SumRequest): SumResponse {
  try {
    if (request === null) return { share: share.finish() };
    share.add(request);
    return { added: request.length };
  } catch (thrown) {
    const { code, message } = asHeadwaterError(thrown);
    return { code, message };
  }
}
