/**
 * Sums one training set with several threads. Each has its own Gram matrix (8 · D² bytes, 13 MB at 1,280
 * dimensions) and sample; at most two chunks are queued for each, so memory depends on workers and dimensions
 * only.
 */
import { createRequire } from 'node:module';
import { Worker } from 'node:worker_threads';
import { asHeadwaterError, HeadwaterError } from '@headwater/errors';
import type { LabelledVector, TrainingSet, TrainingSetOptions } from '@headwater/heads';
import { mergePartialSums } from './partial-sum.ts';
import type { SumRequest, SumResponse } from './sum-worker.ts';

const chunkSize = 256;
const chunksInFlight = 2;

export interface ParallelSumOptions {
  readonly set: TrainingSetOptions;
  /** Number of threads, at least 1. */
  readonly workers: number;
  readonly signal?: AbortSignal | undefined;
  /** Called with the number of distributed examples. */
  readonly summed?: ((examples: number) => void) | undefined;
}

/** Errors: statistics-mismatch, statistics-overflow, unexpected (a thread died), and the signal's reason. */
export async function sumExamples(
  examples: AsyncIterable<LabelledVector>,
  options: ParallelSumOptions,
): Promise<TrainingSet> {
  const summers = Array.from({ length: options.workers }, () => new Summer(options.set));
  try {
    let handedOut = 0;
    for await (const chunk of inChunks(examples)) {
      options.signal?.throwIfAborted();
      await summers[Math.floor(handedOut / chunkSize) % summers.length]?.add(chunk);
      handedOut += chunk.length;
      options.summed?.(handedOut);
    }
    return mergePartialSums(options.set, await Promise.all(summers.map((summer) => summer.finish())));
  } finally {
    await Promise.all(summers.map((summer) => summer.close()));
  }
}

async function* inChunks(examples: AsyncIterable<LabelledVector>): AsyncGenerator<LabelledVector[]> {
  let chunk: LabelledVector[] = [];
  for await (const { imageId, label, group, vector } of examples) {
    chunk.push({ imageId, label, group, vector });
    if (chunk.length < chunkSize) continue;
    yield chunk;
    chunk = [];
  }
  if (chunk.length > 0) yield chunk;
}

interface Waiting {
  resolve(answer: SumResponse): void;
  reject(error: HeadwaterError): void;
}

/** One thread; it responds in the order of requests. */
class Summer {
  readonly #worker: Worker;
  readonly #waiting: Waiting[] = [];
  readonly #answers: Promise<SumResponse>[] = [];
  #failure: HeadwaterError | undefined;

  constructor(set: TrainingSetOptions) {
    const path = createRequire(import.meta.url).resolve('@headwater/classify/summing-worker');
    this.#worker = new Worker(path, { workerData: set });
    this.#worker.on('message', (answer: SumResponse) => this.#answer(answer));
    this.#worker.on('error', (error) => this.#fail(asHeadwaterError(error)));
    this.#worker.on('exit', () => this.#fail(new HeadwaterError('unexpected', 'a summing thread ended')));
  }

  /** Resolves when another chunk may be queued. */
  async add(chunk: readonly LabelledVector[]): Promise<void> {
    this.#answers.push(this.#ask(chunk));
    if (this.#answers.length > chunksInFlight) await this.#answers.shift();
  }

  async finish(): Promise<Uint8Array<ArrayBuffer>> {
    await Promise.all(this.#answers.splice(0));
    const answer = await this.#ask(null);
    if ('share' in answer) return answer.share;
    throw new HeadwaterError('unexpected', 'a summing thread returned another kind of result');
  }

  async close(): Promise<void> {
    await this.#worker.terminate();
  }

  #ask(request: SumRequest): Promise<SumResponse> {
    const answer = new Promise<SumResponse>((resolve, reject) => {
      if (this.#failure !== undefined) return reject(this.#failure);
      this.#waiting.push({ resolve, reject });
      this.#worker.postMessage(request);
    });
    // Handled later: until then a failure must not be reported as unhandled.
    answer.catch(() => undefined);
    return answer;
  }

  #answer(answer: SumResponse): void {
    const waiting = this.#waiting.shift();
    if ('code' in answer) waiting?.reject(new HeadwaterError(answer.code, answer.message));
    else waiting?.resolve(answer);
  }

  #fail(error: HeadwaterError): void {
    this.#failure ??= error;
    for (const { reject } of this.#waiting.splice(0)) reject(this.#failure);
  }
}
