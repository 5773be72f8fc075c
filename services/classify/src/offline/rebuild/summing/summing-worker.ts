/** A thread that adds up a share of the examples of one labelled set; it answers every request, in order. */
import { parentPort, workerData } from 'node:worker_threads';
import { asHeadwaterError, type ErrorCode } from '@headwater/errors';
import type { LabelledSetOptions, LabelledVector } from '@headwater/heads';
import { Share } from './share.ts';

/** Examples to add; null: that was all. */
export type SummingRequest = readonly LabelledVector[] | null;

export type SummingAnswer =
  | { readonly added: number }
  | { readonly share: Uint8Array<ArrayBuffer> }
  | { readonly code: ErrorCode; readonly message: string };

if (parentPort !== null) serve(parentPort, new Share(workerData as LabelledSetOptions));

function serve(port: NonNullable<typeof parentPort>, share: Share): void {
  port.on('message', (request: SummingRequest) => {
    const answer = answerWith(share, request);
    port.postMessage(answer, 'share' in answer ? [answer.share.buffer] : []);
  });
}

function answerWith(share: Share, request: SummingRequest): SummingAnswer {
  try {
    if (request === null) return { share: share.finish() };
    share.add(request);
    return { added: request.length };
  } catch (thrown) {
    const { code, message } = asHeadwaterError(thrown);
    return { code, message };
  }
}
