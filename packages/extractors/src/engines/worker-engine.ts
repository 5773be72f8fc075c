/**
 * An engine in a worker thread. When the thread crashes or hangs, its call is rejected and a new thread replaces it before the
 * next call. This file is independent of the engine that the thread runs.
 */
import { Worker } from 'node:worker_threads';
import { type ErrorCode, HeadwaterError } from '@headwater/errors';
import type { Engine, EngineOptions } from './api.ts';
import { awaitNativeCall, createNativeCallFlags, stopNativeCalls } from './native-calls.ts';
import type { RunRequest, WorkerMessage, WorkerStart } from './worker-protocol.ts';

/** Loading weights takes longer than a call, and longer still on a cold disk. */
const startTimeoutMs = 60_000;

interface Waiting<T> {
  readonly resolve: (value: T) => void;
  readonly reject: (error: HeadwaterError) => void;
  readonly timer: NodeJS.Timeout;
}

function invalid(message: string, cause?: unknown): HeadwaterError {
  return new HeadwaterError('model-invalid', message, cause === undefined ? {} : { cause });
}

function failed(message: string, cause?: unknown): HeadwaterError {
  return new HeadwaterError('extractor-failed', message, cause === undefined ? {} : { cause });
}

interface Started {
  readonly name: string;
  readonly notes?: readonly string[];
}

function refusal({ reason, code }: { readonly reason: string; readonly code?: ErrorCode }): HeadwaterError {
  return code ? new HeadwaterError(code, reason) : invalid(`the engine rejected the net: ${reason}`);
}

/** A thread that ends before it has started counts as a fault of the net, unless the thread reports another reason. */
function asStartError(reason: HeadwaterError): HeadwaterError {
  return reason.code === 'extractor-failed' ? invalid(reason.message, reason) : reason;
}

/** Threads that may be in native code. */
const liveThreads = new Set<WorkerThread>();

/** Node.js joins all threads next: a hung thread would keep the process alive for ever. */
function leaveNativeCode(): void {
  for (const thread of liveThreads) {
    if (!thread.leaveNativeCode()) process.kill(process.pid, 'SIGKILL');
  }
}

function remember(thread: WorkerThread): void {
  if (liveThreads.size === 0) process.on('exit', leaveNativeCode);
  liveThreads.add(thread);
}

function forget(thread: WorkerThread): void {
  if (liveThreads.delete(thread) && liveThreads.size === 0) process.off('exit', leaveNativeCode);
}

/** One thread, from its start to its end. */
class WorkerThread {
  readonly started: Promise<Started>;
  /** Resolves when the thread is gone. */
  readonly exited: Promise<void>;
  private readonly nativeCalls = createNativeCallFlags();
  private readonly worker: Worker;
  private readonly timeoutMs: number;
  private start: Waiting<Started> | undefined;
  private call: (Waiting<Float32Array> & { readonly id: number }) | undefined;
  private calls = 0;
  private over = false;

  constructor(file: string | URL, options: EngineOptions) {
    const { weights, inputShape, dimensions, output, threads, backend, provider = 'auto' } = options;
    this.timeoutMs = options.timeoutMs;
    const { nativeCalls } = this;
    const net = { weights, inputShape, dimensions, output };
    const workerData: WorkerStart = { ...net, threads, backend, provider, nativeCalls };
    this.worker = new Worker(file, { workerData });
    remember(this);
    this.exited = new Promise((resolve) => {
      this.worker.once('exit', () => {
        forget(this);
        resolve();
      });
    });
    this.started = new Promise((resolve, reject) => {
      const timer = setTimeout(() => this.end(invalid('the engine did not start in time')), startTimeoutMs);
      this.start = { resolve, reject, timer };
    });
    this.worker.on('message', (message: WorkerMessage) => this.hear(message));
    this.worker.on('error', (cause) => this.end(failed('the engine crashed', cause)));
    this.worker.on('exit', (code) => this.end(failed(`the engine's thread ended with code ${code}`)));
  }

  get ended(): boolean {
    return this.over;
  }

  run(pixels: Uint8Array<ArrayBuffer>, count: number): Promise<Float32Array> {
    const { timeoutMs } = this;
    return new Promise((resolve, reject) => {
      const hung = () => this.end(failed(`the engine did not respond within ${timeoutMs} ms`));
      this.calls += 1;
      this.call = { id: this.calls, resolve, reject, timer: setTimeout(hung, timeoutMs) };
      const request: RunRequest = { call: this.calls, pixels, count };
      this.worker.postMessage(request, [pixels.buffer]);
    });
  }

  /** Blocks until no native call is running; returns false when one has hung. */
  leaveNativeCode(): boolean {
    return stopNativeCalls(this.nativeCalls) || awaitNativeCall(this.nativeCalls, this.timeoutMs);
  }

  /** Ends the thread and rejects its caller with `reason`. A thread in native code ends when it leaves it. */
  end(reason: HeadwaterError): void {
    if (this.over) return;
    this.over = true;
    const { start, call } = this;
    if (start) this.settleStart(() => start.reject(asStartError(reason)));
    if (call) this.settleCall(() => call.reject(reason));
    if (stopNativeCalls(this.nativeCalls)) void this.worker.terminate();
  }

  private hear(message: WorkerMessage): void {
    const { start, call } = this;
    if (message.kind === 'stopped') void this.worker.terminate();
    else if (message.kind === 'ready' && start) this.settleStart(() => start.resolve(message));
    else if (message.kind === 'refused') this.end(refusal(message));
    else if (message.kind === 'done' && call?.id === message.call) {
      this.settleCall(() => call.resolve(message.vectors));
    } else if (message.kind === 'failed' && call?.id === message.call) {
      this.settleCall(() => call.reject(failed(`the engine failed: ${message.reason}`)));
    }
  }

  private settleStart(settle: () => void): void {
    clearTimeout(this.start?.timer);
    this.start = undefined;
    settle();
  }

  private settleCall(settle: () => void): void {
    clearTimeout(this.call?.timer);
    this.call = undefined;
    settle();
  }
}

/**
 * Starts an engine whose thread runs `file` and speaks the protocol of `worker-protocol.ts`. Errors: model-invalid, or those
 * reported by the thread.
 */
export async function openWorkerEngine(file: string | URL, options: EngineOptions): Promise<Engine> {
  let thread = new WorkerThread(file, options);
  let closed = false;
  const { name, notes = [] } = await thread.started;
  return {
    name,
    notes,
    async run(pixels, count) {
      if (closed) throw failed('the engine is closed');
      if (thread.ended) {
        thread = new WorkerThread(file, options);
        await thread.started;
      }
      return await thread.run(pixels, count);
    },
    async close() {
      closed = true;
      thread.end(failed('the engine is closed'));
      await thread.exited;
    },
  };
}
