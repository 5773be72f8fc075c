/**
 * One worker thread that solves heads from training sets, one at a time; cancelling a solve ends the thread.
 */
import { createRequire } from 'node:module';
import { Worker } from 'node:worker_threads';
import { asHeadwaterError, HeadwaterError } from '@headwater/errors';
import { type Head, type LabelledVector, type SetSnapshot, snapshotBuffers } from '@headwater/heads';
import type { SolveOptions, SolveRequest, SolveResponse, Urgency } from './solver-worker.ts';

/** Examples beyond the set's sample, read after the thread is reserved. */
export type AdditionalExamples = Promise<readonly LabelledVector[]>;

interface Running {
  readonly id: number;
  resolve(head: Head): void;
  reject(error: HeadwaterError): void;
}

export class SolverThread {
  readonly #urgency: Urgency;
  #worker: Worker | undefined;
  #running: Running | undefined;
  #next = 0;

  constructor(urgency: Urgency) {
    this.#urgency = urgency;
  }

  get isFree(): boolean {
    return this.#running === undefined;
  }

  /**
   * Takes ownership of the snapshot. Only while the thread is free. Errors: timed-out where the signal came
   * first, and errors of the solve.
   */
  run(
    snapshot: SetSnapshot,
    options: SolveOptions,
    signal?: AbortSignal,
    more?: AdditionalExamples,
  ): Promise<Head> {
    const id = this.#next++;
    const solved = new Promise<Head>((resolve, reject) => {
      this.#running = { id, resolve, reject };
    });
    const cancel = () => this.#cancel(id);
    signal?.addEventListener('abort', cancel, { once: true });
    if (more === undefined) this.#post({ id, snapshot, options });
    else void this.#postLater({ id, snapshot, options }, more);
    return solved.finally(() => signal?.removeEventListener('abort', cancel));
  }

  #post(request: SolveRequest): void {
    const vectors = request.examples?.map(({ vector }) => vector.buffer as ArrayBuffer) ?? [];
    this.#open().postMessage(request, [...snapshotBuffers(request.snapshot), ...vectors]);
  }

  async #postLater(request: SolveRequest, more: AdditionalExamples): Promise<void> {
    try {
      const examples = await more;
      if (this.#running?.id === request.id) this.#post({ ...request, examples });
    } catch (thrown) {
      if (this.#running?.id === request.id) this.#end(asHeadwaterError(thrown));
    }
  }

  async close(): Promise<void> {
    const worker = this.#worker;
    this.#end(new HeadwaterError('timed-out', 'the process stopped before the head was solved'));
    await worker?.terminate();
  }

  /** A computation can only be interrupted by ending its thread; the next solve gets a new one. */
  #cancel(id: number): void {
    if (this.#running?.id === id) void this.close();
  }

  #open(): Worker {
    if (this.#worker !== undefined) return this.#worker;
    const path = createRequire(import.meta.url).resolve('@headwater/classify/solver-worker');
    const worker = new Worker(path, { workerData: this.#urgency });
    worker.on('message', (answer: SolveResponse) => this.#answer(answer));
    worker.on('error', (error) => this.#lost(worker, asHeadwaterError(error)));
    worker.on('exit', () =>
      this.#lost(worker, new HeadwaterError('unexpected', 'the thread of the solver ended')),
    );
    worker.unref();
    this.#worker = worker;
    return worker;
  }

  #answer(answer: SolveResponse): void {
    const running = this.#running;
    if (running?.id !== answer.id) return;
    this.#running = undefined;
    if ('head' in answer) running.resolve(answer.head);
    else running.reject(new HeadwaterError(answer.code, answer.message));
  }

  #lost(worker: Worker, error: HeadwaterError): void {
    if (this.#worker === worker) this.#end(error);
  }

  #end(error: HeadwaterError): void {
    const running = this.#running;
    this.#worker = undefined;
    this.#running = undefined;
    running?.reject(error);
  }
}
