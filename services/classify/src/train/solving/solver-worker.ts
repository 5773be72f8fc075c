/** Worker thread of the solver: receives snapshots of training sets, returns heads, one after the other. */
import { getPriority, setPriority } from 'node:os';
import { parentPort, workerData } from 'node:worker_threads';
import { asHeadwaterError, type ErrorCode } from '@headwater/errors';
import {
  DiscriminantCache,
  type Head,
  type LabelledVector,
  type SetSnapshot,
  type TrainOptions,
  trainHead,
  trainLayersHead,
} from '@headwater/heads';
import { layersTrainer } from './layers-trainer.ts';

/** `now`: predictions wait for the head; `later`: settled heads, and heads that do not serve. */
export type Urgency = 'now' | 'later';

/**
 * A `nice` value: a tenth of the CPU share of others under contention. When labels pause there is none, and a
 * settled head loses nothing.
 */
const priorityOfLater = 10;

export interface SolveOptions extends TrainOptions {
  /** Units of the hidden layer, for kind `mlp`. */
  readonly units: number;
}

export interface SolveRequest {
  readonly id: number;
  /** Taken for a head with these options. */
  readonly snapshot: SetSnapshot;
  readonly options: SolveOptions;
  /** Examples for kinds `softmax` and `mlp`, where there are more than the set's sample. */
  readonly examples?: readonly LabelledVector[] | undefined;
}

export type SolveResponse =
  | { readonly id: number; readonly head: Head }
  | { readonly id: number; readonly code: ErrorCode; readonly message: string };

// Outside Linux a priority is that of the whole process; an unprivileged process cannot raise a lower one.
if (workerData === 'later' && process.platform === 'linux' && getPriority() < priorityOfLater) {
  setPriority(priorityOfLater);
}

const memory = new DiscriminantCache();

parentPort?.on('message', async (request: SolveRequest) => parentPort?.postMessage(await answer(request)));

async function answer(request: SolveRequest): Promise<SolveResponse> {
  const { id } = request;
  try {
    return { id, head: await solve(request) };
  } catch (thrown) {
    const { code, message } = asHeadwaterError(thrown);
    return { id, code, message };
  }
}

/** Only `mlp` trains in steps; all other kinds are solved directly. */
function solve({ snapshot, options, examples }: SolveRequest): Head | Promise<Head> {
  if (options.kind !== 'mlp') return trainHead(snapshot, options, examples, memory);
  return trainLayersHead(snapshot, options, layersTrainer(options.units), examples);
}
