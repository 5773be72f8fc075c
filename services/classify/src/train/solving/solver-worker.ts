/** The solver's thread: a snapshot of a labelled set in, a head out, one after the other. */
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

/** `now`: predictions wait for it; `later`: full choices, and heads that do not serve. */
export type Urgency = 'now' | 'later';

/**
 * As `nice` counts: a tenth of the share of others where there is too little for all. When labels pause there is enough, and a settled head
 * loses nothing.
 */
const priorityOfLater = 10;

export interface SolveOptions extends TrainOptions {
  /** Of the hidden layer, for kind `mlp`. */
  readonly units: number;
}

export interface SolveRequest {
  readonly id: number;
  /** Taken for a head of these options. */
  readonly snapshot: SetSnapshot;
  readonly options: SolveOptions;
  /** What kinds `softmax` and `mlp` learn from, where it is more than the set's sample. */
  readonly examples?: readonly LabelledVector[] | undefined;
}

export type SolveResponse =
  | { readonly id: number; readonly head: Head }
  | { readonly id: number; readonly code: ErrorCode; readonly message: string };

// Elsewhere than on Linux a priority is that of the whole process; and nobody may raise one that is lower already.
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

/** Only layers are learned step by step; all other kinds are solved at once. */
function solve({ snapshot, options, examples }: SolveRequest): Head | Promise<Head> {
  if (options.kind !== 'mlp') return trainHead(snapshot, options, examples, memory);
  return trainLayersHead(snapshot, options, layersTrainer(options.units), examples);
}
