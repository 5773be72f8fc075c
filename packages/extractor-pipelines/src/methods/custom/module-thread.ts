/**
 * One thread of a user-supplied module. For any fault of the module (exception, timeout, exit, out of memory), the current call
 * fails with an error and the thread ends; nothing else is affected.
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

/** The value is not certainly at fault: the thread may have ended because of an earlier value. */
function ended(message: string, cause?: unknown): HeadwaterError {
  return new HeadwaterError('extractor-failed', message, { cause, context: { threadEnded: true } });
}

function invalid(message: string, cause?: unknown): HeadwaterError {
  return new HeadwaterError('model-invalid', message, cause === undefined ? {} : { cause });
}

function reasonOfEnd(cause: unknown, memoryMiB: number): string {
  const isMemory = cause instanceof Error && 'code' in cause && cause.code === 'ERR_WORKER_OUT_OF_MEMORY';
  if (isMemory) return `the module needs more than ${memoryMiB} MiB of memory (option memory)`;
  return `the module's thread crashed: ${cause instanceof Error ? cause.message.slice(0, 500) : 'no error'}`;
}

/**
 * An image may be a part of the large buffer in which it came from Kafka, and posting it would transfer all of that. The module
 * gets its own copy, which it may modify.
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
    // No environment: a module must not see the configuration of the service, which includes secrets. Its output is dropped.
    this.worker = new Worker(workerFile, {
      workerData,
      env: {},
      stdout: true,
      stderr: true,
      resourceLimits: { maxOldGenerationSizeMb: memoryMiB, maxYoungGenerationSizeMb: 64 },
    });
    this.worker.stdout.resume();
    this.worker.stderr.resume();
    const late = () => this.end(failed(`the module did not load within ${startTimeoutMs / 1000} s`));
    this.start = { ...start, timer: setTimeout(late, startTimeoutMs) };
    this.worker.on('message', (message: ModuleMessage) => this.hear(message));
    this.worker.on('error', (cause) => this.end(ended(reasonOfEnd(cause, memoryMiB), cause)));
    this.worker.on('exit', (code) => this.end(ended(`the module ended its thread with code ${code}`)));
  }

  /** Resolves when the module is loaded. Errors: model-invalid. */
  static async open(options: ThreadOptions): Promise<ModuleThread> {
    let thread: ModuleThread | undefined;
    await new Promise<void>((resolve, reject) => {
      thread = new ModuleThread(options, { resolve, reject });
    });
    if (!thread) throw invalid('the module was not loaded');
    return thread;
  }

  get ended(): boolean {
    return this.over;
  }

  /** One call at a time. Errors: extractor-failed. */
  run(value: Value): Promise<Float32Array> {
    return new Promise((resolve, reject) => {
      if (this.over) {
        reject(failed('the module had ended its thread'));
        return;
      }
      const hung = () => this.end(failed(`the module did not respond within ${this.timeoutMs} ms`));
      this.calls += 1;
      this.call = { id: this.calls, resolve, reject, timer: setTimeout(hung, this.timeoutMs) };
      const copy = copyOf(value);
      const request: ModuleCall = { call: this.calls, value: copy.value };
      this.worker.postMessage(request, copy.transfer);
    });
  }

  close(): void {
    this.end(failed('extractor is closed'));
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
      this.end(failed(`the module cannot be used: ${message.reason}`));
    } else if (call !== undefined && 'call' in message && call.id === message.call) {
      this.call = undefined;
      if (message.kind === 'done') settle(call, () => call.resolve(message.vector));
      else settle(call, () => call.reject(failed(`the module failed: ${message.reason}`)));
    }
  }
}

function settle(waiting: Waiting<never>, how: () => void): void {
  clearTimeout(waiting.timer);
  how();
}
