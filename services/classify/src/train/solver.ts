/**
 * Solving takes from milliseconds to seconds of pure computation, so it happens in a worker thread: the event
 * loop goes on predicting and sending heartbeats. One thread a process: lanes take turns.
 */
import { createRequire } from 'node:module';
import { Worker } from 'node:worker_threads';
import { asHeadwaterError, HeadwaterError } from '@headwater/errors';
import type { Head, LabelledSet, TrainOptions } from '@headwater/heads';
import type { SolveAnswer, SolveRequest } from './solver-worker.ts';

export interface Solver {
  /** The set must not change until the call returns its promise; later changes do not matter. Errors: sample-incomplete, unexpected. */
  solve(set: LabelledSet, options: TrainOptions): Promise<Head>;
  close(): Promise<void>;
}

interface Waiting {
  resolve(head: Head): void;
  reject(error: HeadwaterError): void;
}

export function startSolver(): Solver {
  return new ThreadSolver();
}

class ThreadSolver implements Solver {
  readonly #waiting = new Map<number, Waiting>();
  #worker: Worker | undefined;
  #next = 0;

  solve(set: LabelledSet, options: TrainOptions): Promise<Head> {
    const bytes = set.serialize();
    const request: SolveRequest = { id: this.#next++, bytes, options };
    return new Promise((resolve, reject) => {
      this.#waiting.set(request.id, { resolve, reject });
      this.#open().postMessage(request, [bytes.buffer]);
    });
  }

  async close(): Promise<void> {
    const worker = this.#worker;
    this.#fail(new HeadwaterError('timed-out', 'The process stops before the head was solved'));
    await worker?.terminate();
  }

  #open(): Worker {
    if (this.#worker !== undefined) return this.#worker;
    const path = createRequire(import.meta.url).resolve('@headwater/classify/solver-worker');
    const worker = new Worker(path);
    worker.on('message', (answer: SolveAnswer) => this.#answer(answer));
    worker.on('error', (error) => this.#fail(asHeadwaterError(error)));
    worker.on('exit', () => this.#lost(worker));
    worker.unref();
    this.#worker = worker;
    return worker;
  }

  #answer(answer: SolveAnswer): void {
    const waiting = this.#waiting.get(answer.id);
    this.#waiting.delete(answer.id);
    if ('head' in answer) waiting?.resolve(answer.head);
    else waiting?.reject(new HeadwaterError(answer.code, answer.message));
  }

  #lost(worker: Worker): void {
    if (this.#worker === worker) this.#fail(new HeadwaterError('unexpected', 'The solver’s thread ended'));
  }

  /** Whoever waits is told; the next solve gets a new thread. */
  #fail(error: HeadwaterError): void {
    this.#worker = undefined;
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
  }
}
