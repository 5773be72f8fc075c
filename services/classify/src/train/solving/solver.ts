/**
 * Solves heads in worker threads, so that the event loop goes on. All partitions of a process share two
 * threads: one for heads that predictions wait for, one for the rest. A set is copied when a thread is free,
 * so that waiting sets take no memory.
 */
import { type Head, type SetSnapshot, type TrainingSet, takeSnapshot } from '@headwater/heads';
import { type AdditionalExamples, SolverThread } from './solver-thread.ts';
import type { SolveOptions, Urgency } from './solver-worker.ts';

export interface Solver {
  isFree(urgency: Urgency): boolean;
  /**
   * Only while the urgency is free. The set must not change until the call returns its promise. Errors:
   * sample-incomplete, unexpected, timed-out where the signal came first.
   */
  start(
    set: TrainingSet,
    options: SolveOptions,
    urgency: Urgency,
    signal: AbortSignal,
    more?: AdditionalExamples,
  ): Promise<Head>;
  /**
   * Calls the listener when a thread is free, the longest-waiting listener first; returns an unsubscribe
   * function.
   */
  onFree(listener: () => void): () => void;
  close(): Promise<void>;
}

export function startSolver(): Solver {
  return new ThreadSolver();
}

class ThreadSolver implements Solver {
  readonly #threads = { now: new SolverThread('now'), later: new SolverThread('later') };
  readonly #listeners = new Set<() => void>();

  isFree(urgency: Urgency): boolean {
    return this.#threads[urgency].isFree;
  }

  start(
    set: TrainingSet,
    options: SolveOptions,
    urgency: Urgency,
    signal: AbortSignal,
    more?: AdditionalExamples,
  ): Promise<Head> {
    return this.#run(takeSnapshot(set, options), options, urgency, signal, more);
  }

  onFree(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async close(): Promise<void> {
    this.#listeners.clear();
    await Promise.all(Object.values(this.#threads).map((thread) => thread.close()));
  }

  async #run(
    snapshot: SetSnapshot,
    options: SolveOptions,
    urgency: Urgency,
    signal: AbortSignal,
    more?: AdditionalExamples,
  ): Promise<Head> {
    try {
      return await this.#threads[urgency].run(snapshot, options, signal, more);
    } finally {
      setImmediate(() => this.#notifyFree());
    }
  }

  /** Round robin over the listeners, so that partitions take turns. */
  #notifyFree(): void {
    for (const listener of [...this.#listeners]) listener();
    const [first] = this.#listeners;
    if (first === undefined) return;
    this.#listeners.delete(first);
    this.#listeners.add(first);
  }
}
