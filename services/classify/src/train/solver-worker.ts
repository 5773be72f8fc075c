/** The solver's thread: a labelled set in, a head out. */
import { parentPort } from 'node:worker_threads';
import { asHeadwaterError, type ErrorCode } from '@headwater/errors';
import { deserializeLabelledSet, type Head, type TrainOptions, trainHead } from '@headwater/heads';

export interface SolveRequest {
  readonly id: number;
  /** A serialized labelled set. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly options: TrainOptions;
}

export type SolveAnswer =
  | { readonly id: number; readonly head: Head }
  | { readonly id: number; readonly code: ErrorCode; readonly message: string };

parentPort?.on('message', (request: SolveRequest) => parentPort?.postMessage(answer(request)));

function answer({ id, bytes, options }: SolveRequest): SolveAnswer {
  try {
    return { id, head: trainHead(deserializeLabelledSet(bytes), options) };
  } catch (thrown) {
    const { code, message } = asHeadwaterError(thrown);
    return { id, code, message };
  }
}
