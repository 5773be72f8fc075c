/**
 * Combines images of many callers into engine calls and isolates them from each other: results do not depend on the other
 * images of a batch, and when a call fails, each of its images is retried alone.
 */
import { setMaxListeners } from 'node:events';
import { asHeadwaterError, type ErrorCode, HeadwaterError } from '@headwater/errors';
import type { Engine } from './engines/api.ts';

export interface BatcherOptions {
  /** Maximum number of images in a call. */
  readonly batchSize: number;
  /** Maximum time that the oldest image waits for others. */
  readonly lingerMs: number;
  /** Size of one image's pixels in bytes. */
  readonly imageBytes: number;
  readonly dimensions: number;
  /** The error for a result with NaN or infinity. */
  readonly notFinite?: { readonly code: ErrorCode; readonly message: string };
  /** Whether more images are on their way; without any, a batch runs at once. */
  readonly hasArrivals: () => boolean;
  /** Called after each engine call, for metrics. */
  readonly ran?: (images: number, seconds: number) => void;
}

interface Item {
  readonly pixels: Uint8Array;
  readonly arrivedAt: number;
  readonly resolve: (vector: Float32Array) => void;
  readonly reject: (reason: unknown) => void;
}

const unexpectedAnswer = { code: 'vector-not-finite', message: 'the net returned NaN or infinity' } as const;

function allFinite(vector: Float32Array): boolean {
  return vector.every((value) => Number.isFinite(value));
}

export class Batcher {
  private readonly engine: Engine;
  private readonly options: BatcherOptions;
  private readonly queue: Item[] = [];
  private running = false;
  private timer: NodeJS.Timeout | undefined;

  constructor(engine: Engine, options: BatcherOptions) {
    this.engine = engine;
    this.options = options;
  }

  /**
   * The vector of one image. Errors: vector-not-finite, extractor-failed, model-invalid, and the signal's reason if it aborts
   * before the image's call starts.
   */
  async add(pixels: Uint8Array, signal?: AbortSignal): Promise<Float32Array> {
    signal?.throwIfAborted();
    let drop = () => {};
    const vector = new Promise<Float32Array>((resolve, reject) => {
      const item: Item = { pixels, arrivedAt: performance.now(), resolve, reject };
      drop = () => this.drop(item, signal?.reason);
      this.queue.push(item);
      this.flushIfDue();
    });
    // Records of one batch share a signal: many listeners are not a leak.
    if (signal) setMaxListeners(0, signal);
    signal?.addEventListener('abort', drop, { once: true });
    return vector.finally(() => signal?.removeEventListener('abort', drop));
  }

  /** Has no effect on an image that is in a call already. */
  private drop(item: Item, reason: unknown): void {
    const index = this.queue.indexOf(item);
    if (index === -1) return;
    this.queue.splice(index, 1);
    item.reject(reason);
  }

  /** Checks whether a batch is due; call it when an image that was expected will not arrive. */
  flushIfDue(): void {
    if (this.running || this.queue.length === 0) return;
    const waitMs = this.waitMs();
    if (waitMs > 0) {
      this.timer ??= setTimeout(() => this.wake(), waitMs);
      return;
    }
    clearTimeout(this.timer);
    this.timer = undefined;
    void this.run(this.queue.splice(0, this.options.batchSize));
  }

  private wake(): void {
    this.timer = undefined;
    this.flushIfDue();
  }

  private waitMs(): number {
    const oldest = this.queue[0];
    if (!oldest || this.queue.length >= this.options.batchSize || !this.options.hasArrivals()) return 0;
    return Math.ceil(oldest.arrivedAt + this.options.lingerMs - performance.now());
  }

  /** Runs a batch and, if it fails, each of its images once more alone. */
  private async run(batch: readonly Item[]): Promise<void> {
    this.running = true;
    const error = await this.attempt(batch);
    if (error) for (const item of batch) await this.runAlone(item, error);
    this.running = false;
    this.flushIfDue();
  }

  private async runAlone(item: Item, first: HeadwaterError): Promise<void> {
    const error = first.code === 'extractor-failed' ? await this.attempt([item]) : first;
    if (error) item.reject(error);
  }

  /** Resolves the batch's callers, or returns the error of the whole call. */
  private async attempt(batch: readonly Item[]): Promise<HeadwaterError | undefined> {
    const { imageBytes, ran } = this.options;
    const pixels = new Uint8Array(batch.length * imageBytes);
    for (const [index, item] of batch.entries()) pixels.set(item.pixels, index * imageBytes);
    const start = performance.now();
    try {
      const vectors = await this.engine.run(pixels, batch.length);
      ran?.(batch.length, (performance.now() - start) / 1000);
      for (const [index, item] of batch.entries()) this.settle(item, vectors, index);
      return undefined;
    } catch (thrown) {
      return asHeadwaterError(thrown, 'extractor-failed');
    }
  }

  private settle(item: Item, vectors: Float32Array, index: number): void {
    const { dimensions, notFinite = unexpectedAnswer } = this.options;
    const vector = vectors.slice(index * dimensions, (index + 1) * dimensions);
    if (allFinite(vector)) item.resolve(vector);
    else item.reject(new HeadwaterError(notFinite.code, notFinite.message));
  }
}
