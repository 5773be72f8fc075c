/**
 * One thread that runs a user's own module, from its start to its end. Whatever the module does (throw, hang, exit, use up its memory), the
 * call that it was busy with is answered with an error, and the thread is over; nobody else notices.
 */
import { createRequire } from 'node:module';
import { Worker } from 'node:worker_threads';
import { HeadwaterError } from '@headwater/errors';
import type { Value } from '@headwater/extractors';
import type { ModuleCall, ModuleMessage, ModuleStart } from './module-protocol.ts';

const startTimeoutMs = 60_000;
const workerFile = createRequire(import.meta.url).resolve('@headwater/extractor-pipelines/module-worker');

export interface ThreadOptions extends ModuleStart {
  readonly timeoutMs: number;
  readonly memoryMiB: number;
}

interface Waiting<T> {
  readonly resolve: (value: T) => void;
  readonly reject: (error: HeadwaterError) => void;
  readonly timer: NodeJS.Timeout;
}

function failed(message: string, cause?: unknown): HeadwaterError {
  return new HeadwaterError('extractor-failed', message, cause === undefined ? {} : { cause });
}

/** Not of the value's own making for certain: the thread may have ended of what an earlier one left behind. */
function ended(message: string, cause?: unknown): HeadwaterError {
  return new HeadwaterError('extractor-failed', message, { cause, context: { threadEnded: true } });
}

function invalid(message: string, cause?: unknown): HeadwaterError {
  return new HeadwaterError('model-invalid', message, cause === undefined ? {} : { cause });
}

function reasonOfEnd(cause: unknown, memoryMiB: number): string {
  const isMemory = cause instanceof Error && 'code' in cause && cause.code === 'ERR_WORKER_OUT_OF_MEMORY';
  if (isMemory) return `The module needs more than ${memoryMiB} MiB of memory (option memory).`;
  return `The module's thread crashed: ${cause instanceof Error ? cause.message.slice(0, 500) : 'no error'}`;
}

/**
 * An image may be a part of the large buffer in which it came from Kafka, and posting it would hand over all of that: the module gets a copy of
 * its own, to which it may do what it likes.
 */
function copyOf(value: Value): { readonly value: Value; readonly transfer: ArrayBuffer[] } {
  if (value.type === 'record') {
    const image = Uint8Array.from(value.record.image);
    return { value: { ...value, record: { ...value.record, image } }, transfer: [image.buffer] };
  }
  if (value.type === 'pixels') {
    const data = Uint8Array.from(value.data);
    return { value: { ...value, data }, transfer: [data.buffer] };
  }
  if (value.type !== 'vector') return { value, transfer: [] };
  const vector = Float32Array.from(value.vector);
  return { value: { ...value, vector }, transfer: [vector.buffer] };
}

export class ModuleThread {
  private readonly worker: Worker;
  private readonly timeoutMs: number;
  private start: Waiting<void> | undefined;
  private call: (Waiting<Float32Array> & { readonly id: number }) | undefined;
  private calls = 0;
  private over = false;

  private constructor(
    { module, options, memoryMiB, timeoutMs }: ThreadOptions,
    start: Omit<Waiting<void>, 'timer'>,
  ) {
    const workerData: ModuleStart = { module, options };
    this.timeoutMs = timeoutMs;
    // No environment: what a service is configured with, secrets too, is no business of a module. What it prints is dropped.
    this.worker = new Worker(workerFile, {
      workerData,
      env: {},
      stdout: true,
      stderr: true,
      resourceLimits: { maxOldGenerationSizeMb: memoryMiB, maxYoungGenerationSizeMb: 64 },
    });
    this.worker.stdout.resume();
    this.worker.stderr.resume();
    const late = () => this.end(failed(`The module did not load within ${startTimeoutMs / 1000} s.`));
    this.start = { ...start, timer: setTimeout(late, startTimeoutMs) };
    this.worker.on('message', (message: ModuleMessage) => this.hear(message));
    this.worker.on('error', (cause) => this.end(ended(reasonOfEnd(cause, memoryMiB), cause)));
    this.worker.on('exit', (code) => this.end(ended(`The module ended its thread with code ${code}.`)));
  }

  /** Resolves when the module is loaded. Errors: model-invalid. */
  static async open(options: ThreadOptions): Promise<ModuleThread> {
    let thread: ModuleThread | undefined;
    await new Promise<void>((resolve, reject) => {
      thread = new ModuleThread(options, { resolve, reject });
    });
    if (!thread) throw invalid('The module was not loaded.');
    return thread;
  }

  get ended(): boolean {
    return this.over;
  }

  /** One call at a time. Errors: extractor-failed. */
  run(value: Value): Promise<Float32Array> {
    return new Promise((resolve, reject) => {
      if (this.over) {
        reject(failed('The module had ended its thread.'));
        return;
      }
      const hung = () => this.end(failed(`The module did not answer within ${this.timeoutMs} ms.`));
      this.calls += 1;
      this.call = { id: this.calls, resolve, reject, timer: setTimeout(hung, this.timeoutMs) };
      const copy = copyOf(value);
      const request: ModuleCall = { call: this.calls, value: copy.value };
      this.worker.postMessage(request, copy.transfer);
    });
  }

  close(): void {
    this.end(failed('The extractor was closed.'));
  }

  private end(reason: HeadwaterError): void {
    if (this.over) return;
    this.over = true;
    const { start, call } = this;
    this.start = undefined;
    this.call = undefined;
    if (start) settle(start, () => start.reject(invalid(reason.message, reason)));
    if (call) settle(call, () => call.reject(reason));
    void this.worker.terminate();
  }

  private hear(message: ModuleMessage): void {
    const { start, call } = this;
    if (message.kind === 'ready' && start) {
      this.start = undefined;
      settle(start, () => start.resolve());
    } else if (message.kind === 'refused') {
      this.end(failed(`The module can't be used: ${message.reason}.`));
    } else if (call !== undefined && 'call' in message && call.id === message.call) {
      this.call = undefined;
      if (message.kind === 'done') settle(call, () => call.resolve(message.vector));
      else settle(call, () => call.reject(failed(`The module failed: ${message.reason}`)));
    }
  }
}

function settle(waiting: Waiting<never>, how: () => void): void {
  clearTimeout(waiting.timer);
  how();
}
