/** The threads of a user-supplied module: values wait for a free thread, and an ended thread is replaced before the next value. */
import { HeadwaterError } from '@headwater/errors';
import { type ExtractorOptions, Semaphore, type Value } from '@headwater/extractors';
import type { CustomOptions } from './custom-options.ts';
import { ModuleThread, type ThreadOptions } from './module-thread.ts';
import { runTrial, trialValues } from './trial.ts';
import { readModule, type UserModule } from './user-module.ts';

export class ModulePool {
  private readonly own: UserModule;
  private readonly covers: readonly string[];
  private readonly options: ThreadOptions;
  private readonly places: Semaphore;
  /** Threads that wait for a value. */
  private readonly idle: ModuleThread[] = [];
  private readonly all = new Set<ModuleThread>();
  private closed = false;

  private constructor(own: UserModule, options: CustomOptions, settings: ExtractorOptions = {}) {
    const timeoutMs = Math.ceil(
      Math.min(options.timeout * 1000, settings.timeoutMs ?? Number.POSITIVE_INFINITY),
    );
    this.own = own;
    this.covers = options.covers;
    this.options = { module: own.path, options: options.options, memoryMiB: options.memory, timeoutMs };
    this.places = new Semaphore(options.threads);
  }

  /** Loads the module twice and runs the trial. Errors: config-invalid, model-invalid. */
  static async open(
    own: UserModule,
    options: CustomOptions,
    settings?: ExtractorOptions,
  ): Promise<ModulePool> {
    const values = await trialValues(options.takes, options.trial);
    const pool = new ModulePool(own, options, settings);
    try {
      const one = await pool.startThread();
      const fresh = await pool.startThread();
      await runTrial(
        values,
        options.dimensions,
        (value) => one.run(value),
        (value) => fresh.run(value),
      );
      pool.release(one);
      if (options.threads > 1) pool.release(fresh);
      else pool.end(fresh);
      return pool;
    } catch (cause) {
      await pool.close();
      if (cause instanceof HeadwaterError && cause.code !== 'extractor-failed') throw cause;
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new HeadwaterError('model-invalid', `the module fails on a trial value: ${reason}`, { cause });
    }
  }

  /** Errors: extractor-failed; model-invalid if the module can no longer be loaded, or has changed since the start. */
  async run(value: Value, signal?: AbortSignal): Promise<Float32Array> {
    await this.places.enter(signal);
    try {
      return await this.runOnce(value).catch((error: unknown) => this.runAgain(value, error));
    } finally {
      this.places.leave();
    }
  }

  private async runOnce(value: Value): Promise<Float32Array> {
    const thread = this.take() ?? (await this.replace());
    try {
      return await thread.run(value);
    } finally {
      this.release(thread);
    }
  }

  /** A thread may end because of an earlier value: only a value that ends two threads is at fault. */
  private async runAgain(value: Value, error: unknown): Promise<Float32Array> {
    const ended = error instanceof HeadwaterError && error.context.threadEnded === true;
    if (!ended || this.closed) throw error;
    return await this.runOnce(value);
  }

  /** An idle thread that has not ended. */
  private take(): ModuleThread | undefined {
    for (let thread = this.idle.pop(); thread; thread = this.idle.pop()) {
      if (!thread.ended) return thread;
      this.end(thread);
    }
    return undefined;
  }

  async close(): Promise<void> {
    this.closed = true;
    for (const thread of this.all) this.end(thread);
  }

  /** The replacement of an ended thread must run exactly the module that the digest covers. */
  private async replace(): Promise<ModuleThread> {
    const { contents } = await readModule(this.own.path, this.covers);
    if (contents.join() !== this.own.contents.join()) {
      const message = `module ${this.own.path} has changed since the start; restart the service`;
      throw new HeadwaterError('model-invalid', message);
    }
    return await this.startThread();
  }

  private async startThread(): Promise<ModuleThread> {
    const thread = await ModuleThread.open(this.options);
    this.all.add(thread);
    return thread;
  }

  private release(thread: ModuleThread): void {
    if (thread.ended || this.closed) this.end(thread);
    else this.idle.push(thread);
  }

  private end(thread: ModuleThread): void {
    this.all.delete(thread);
    thread.close();
  }
}
