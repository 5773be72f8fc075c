/**
 * Label errors, influential examples and nearest neighbours, from the store of the trainer: available only in
 * the process that trains the task.
 */
import { createRequire } from 'node:module';
import { Worker } from 'node:worker_threads';
import { HeadwaterError } from '@headwater/errors';
import {
  BoundedRanking,
  type Head,
  type HeadKind,
  type InfluenceRanking,
  type LabelErrorCandidate,
  type LabelledVector,
} from '@headwater/heads';
import type { HeadTrained } from '@headwater/schemas';
import { EventLoopBudget } from '../event-loop.ts';
import type { StateReader } from '../store/state.ts';
import {
  decodeExample,
  examplesPrefix,
  imageIndexKey,
  type StoredExample,
  setId,
} from '../train/examples/example-bytes.ts';
import type { OpenTrainingSet, OpenTrainingSets } from '../train/examples/open-training-sets.ts';
import { insideOf } from '../train/examples/trainer-state.ts';
import {
  type SolveSettings,
  setOptionsOf,
  type TrainingSetSettings,
} from '../train/training-set-settings.ts';
import type { CrossValidationReport } from './held-out.ts';
import type { ReviewFailure, ReviewRequest, ReviewResponse } from './review-worker.ts';

/** Number of examples that are judged, as in the tuning of heads. */
const sampleSize = 2_000;
/** Bounds time and memory of cross-validation: examples that heads learn, and the bytes of their vectors. */
const heldOutLearned = { examples: 10_000, bytes: 64 * 1024 * 1024 };
/** Maximum number of concurrent scans over all examples: each one slows the others. */
const mostScans = 4;
/** Examples of one read. */
const pageSize = 256;
/** Dot product of two equal vectors: 2^13 squared. */
const squaredUnit = 2 ** 26;

export interface Neighbour {
  readonly imageId: string;
  readonly label: string;
  /** Cosine, in [−1, 1]. */
  readonly similarity: number;
}

export interface Considered {
  /** Number of compared examples. */
  readonly considered: number;
}

export interface ReviewerOptions {
  settingsOf(task: string): Pick<TrainingSetSettings, 'lift'> & Pick<SolveSettings, 'prior'>;
  readonly sets: OpenTrainingSets;
  /** The task's partition of `examples`. */
  partitionOf(task: string): number;
  newestHead(extractor: string, task: string): HeadTrained | undefined;
}

export class Reviewer {
  readonly #options: ReviewerOptions;
  readonly #stop = new AbortController();
  #busy = false;
  #scans = 0;

  constructor(options: ReviewerOptions) {
    this.#options = options;
  }

  /** Errors: partition-elsewhere, head-not-ready, overloaded. */
  async suspects(
    extractor: string,
    task: string,
    limit: number,
  ): Promise<Considered & { readonly suspects: readonly LabelErrorCandidate[] }> {
    const { answer, considered } = await this.#ask(extractor, task, limit);
    return { considered, suspects: 'suspects' in answer ? answer.suspects : [] };
  }

  /**
   * The examples that influence the prediction for a labelled image. Errors: partition-elsewhere,
   * head-not-ready, not-found, overloaded.
   */
  async influence(
    extractor: string,
    task: string,
    imageId: string,
    limit: number,
  ): Promise<Considered & InfluenceRanking & { readonly label: string }> {
    const open = this.#open(extractor, task);
    const target = readExample(open, imageId);
    if (target === undefined) throw new HeadwaterError('not-found', 'the image has no label for this task');
    if (!insideOf(open.store, extractor, task)(target)) {
      throw new HeadwaterError(
        'not-found',
        'the label of the image is outside WINDOW: no head has learned it',
      );
    }
    const { answer, considered } = await this.#ask(extractor, task, limit, target);
    const ranking = 'influences' in answer ? answer.influences : { helpful: [], harmful: [] };
    return { considered, label: target.label, ...ranking };
  }

  /**
   * Cross-validates a kind of head. Of a large set, the first 10,000 examples by sample key are learned, and
   * the first 2,000 predicted. Errors: partition-elsewhere, head-not-ready, overloaded, and those of the
   * solve.
   */
  async heldOut(extractor: string, task: string, kind: HeadKind): Promise<CrossValidationReport> {
    return await this.#alone(async () => {
      const { lift = null, prior } = this.#options.settingsOf(task);
      const { dimensions } = this.#open(extractor, task).set;
      const examples = await this.#inside(extractor, task, maximumLearnedExamples(dimensions));
      const set = setOptionsOf({ extractor, task, dimensions }, { lift });
      const answer = await ask(this.#stop.signal, { kind, prior, set, examples, judged: sampleSize });
      if ('heldOut' in answer) return answer.heldOut;
      throw new HeadwaterError('unexpected', 'the review thread returned another kind of result');
    });
  }

  /** The vector of a labelled image. Errors: partition-elsewhere, head-not-ready. */
  vector(extractor: string, task: string, imageId: string): Int16Array | undefined {
    return readExample(this.#open(extractor, task), imageId)?.vector;
  }

  /**
   * By exact integer dot products with every other example of the task, until the signal aborts. Errors:
   * partition-elsewhere, head-not-ready, overloaded, and the signal's reason.
   */
  async neighbours(
    extractor: string,
    task: string,
    to: Pick<LabelledVector, 'imageId' | 'vector'>,
    limit: number,
    signal?: AbortSignal,
  ): Promise<Considered & { readonly neighbours: readonly Neighbour[] }> {
    if (this.#scans >= mostScans)
      throw new HeadwaterError('overloaded', 'too many concurrent requests of this kind; try again later');
    this.#scans++;
    try {
      return await this.#nearest(extractor, task, to, limit, signal);
    } finally {
      this.#scans--;
    }
  }

  async #nearest(
    extractor: string,
    task: string,
    { imageId, vector }: Pick<LabelledVector, 'imageId' | 'vector'>,
    limit: number,
    signal?: AbortSignal,
  ) {
    const ranking = new BoundedRanking<Neighbour>(
      limit,
      (a, b) => b.similarity - a.similarity || (a.imageId < b.imageId ? -1 : 1),
    );
    let considered = 0;
    for await (const example of this.#examples(extractor, task, signal)) {
      if (example.imageId === imageId || example.vector.length !== vector.length) continue;
      considered++;
      const similarity = dotProduct(example.vector, vector) / squaredUnit;
      ranking.add({ imageId: example.imageId, label: example.label, similarity });
    }
    return { considered, neighbours: ranking.list() };
  }

  /** Ends the thread of a request in progress. */
  close(): void {
    this.#stop.abort();
  }

  /** Errors: partition-elsewhere, head-not-ready, where this process lacks the task. */
  require(extractor: string, task: string): void {
    this.#open(extractor, task);
  }

  /** Errors: partition-elsewhere, head-not-ready. */
  #open(extractor: string, task: string): OpenTrainingSet {
    const { sets, partitionOf } = this.#options;
    const found = sets.find(extractor, task);
    if (found !== undefined) return found;
    const partition = partitionOf(task);
    if (sets.has(partition)) throw new HeadwaterError('head-not-ready', 'the task has no examples yet');
    throw new HeadwaterError('partition-elsewhere', 'another process trains this task; ask that process', {
      context: { partition },
    });
  }

  /** Page by page, so that other work runs in between, and a revoked partition ends it. */
  async *#examples(extractor: string, task: string, signal?: AbortSignal): AsyncGenerator<StoredExample> {
    const prefix = examplesPrefix(setId(extractor, task));
    const eventLoop = new EventLoopBudget();
    let from = prefix;
    for (;;) {
      await eventLoop.yieldIfDue(signal);
      const page = readPage(this.#open(extractor, task).store, prefix, from);
      for (const { value } of page) yield decodeExample(value);
      const last = page.at(-1)?.key;
      if (last === undefined || page.length < pageSize) return;
      from = `${last}\u0001`;
    }
  }

  /**
   * The first examples inside the window of the training set. Errors: partition-elsewhere, head-not-ready.
   */
  async #inside(extractor: string, task: string, most: number): Promise<LabelledVector[]> {
    const isInside = insideOf(this.#open(extractor, task).store, extractor, task);
    // By image: one whose group changed between two pages is read twice.
    const examples = new Map<string, LabelledVector>();
    for await (const example of this.#examples(extractor, task)) {
      if (isInside(example) && !examples.has(example.imageId)) examples.set(example.imageId, example);
      if (examples.size === most) break;
    }
    return [...examples.values()];
  }

  async #ask(extractor: string, task: string, limit: number, target: LabelledVector | null = null) {
    return await this.#alone(async () => {
      const examples = await this.#inside(extractor, task, sampleSize);
      const { set, sets, store } = this.#open(extractor, task);
      sets.refill(set, store);
      const head = asHead(this.#options.newestHead(extractor, task));
      const answer = await ask(this.#stop.signal, { bytes: set.serialize(), examples, head, limit, target });
      return { answer, considered: examples.length };
    });
  }

  /** One request at a time: each is a thread that computes for seconds. Errors: overloaded. */
  async #alone<T>(work: () => Promise<T>): Promise<T> {
    if (this.#busy) throw new HeadwaterError('overloaded', 'a similar request is running; try again later');
    this.#busy = true;
    try {
      return await work();
    } finally {
      this.#busy = false;
    }
  }
}

function readPage(store: StateReader, prefix: string, from: string) {
  const page: { readonly key: string; readonly value: Buffer }[] = [];
  for (const entry of store.range(prefix, { from })) {
    page.push(entry);
    if (page.length === pageSize) break;
  }
  return page;
}

function readExample({ store, set }: OpenTrainingSet, imageId: string): StoredExample | undefined {
  const key = store.get(imageIndexKey(setId(set.extractor, set.task), imageId));
  const bytes = key === undefined ? undefined : store.get(key.toString('utf8'));
  return bytes === undefined ? undefined : decodeExample(bytes);
}

/** For its settings, not its parameters. */
function asHead(trained: HeadTrained | undefined): Head | null {
  if (trained === undefined || trained.kind !== 'lda') return null;
  return { ...trained, parameters: new Uint8Array() };
}

function dotProduct(a: Int16Array, b: Int16Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] ?? 0) * (b[i] ?? 0);
  return sum;
}

function maximumLearnedExamples(dimensions: number): number {
  const { examples, bytes } = heldOutLearned;
  const fitting = Math.floor(bytes / (dimensions * Int16Array.BYTES_PER_ELEMENT));
  return Math.max(sampleSize, Math.min(examples, fitting));
}

/** Takes ownership of the vectors. Errors: those of the computation. */
async function ask(
  signal: AbortSignal,
  question: ReviewRequest,
): Promise<Exclude<ReviewResponse, ReviewFailure>> {
  const answer = await runWorker(question, signal);
  if ('code' in answer) throw new HeadwaterError(answer.code, answer.message);
  return answer;
}

function runWorker(question: ReviewRequest, signal: AbortSignal): Promise<ReviewResponse> {
  const path = createRequire(import.meta.url).resolve('@headwater/classify/review-worker');
  const transferList = question.examples.map(({ vector }) => vector.buffer as ArrayBuffer);
  return new Promise<ReviewResponse>((resolve, reject) => {
    const worker = new Worker(path, { workerData: question, transferList });
    const end = () => void worker.terminate();
    signal.addEventListener('abort', end, { once: true });
    worker.once('message', resolve);
    worker.once('error', reject);
    worker.once('exit', () => {
      signal.removeEventListener('abort', end);
      reject(
        signal.aborted
          ? new HeadwaterError('service-unavailable', 'the process stopped before the request was complete')
          : new HeadwaterError('unexpected', 'the review thread ended'),
      );
    });
  });
}
