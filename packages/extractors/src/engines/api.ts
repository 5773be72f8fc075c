/**
 * An engine runs a net: it takes a batch of pixels and returns a batch of vectors. Batching, retries and timeouts are left to
 * its callers, so that they are the same for all engines.
 */

/** The device: `auto` is a GPU where one works, else the CPU. */
export const providers = ['auto', 'cpu', 'cuda', 'tensorrt'] as const;
export type Provider = (typeof providers)[number];

export interface EngineOptions {
  /** Weights whose digest has been verified. */
  readonly weights: Uint8Array;
  /** Pixels of one image: uint8 [side, side, channels]. */
  readonly inputShape: readonly [side: number, side: number, channels: number];
  readonly dimensions: number;
  /** Name of the output to read. */
  readonly output: string;
  /** The engine's backend, if it has several; by default the best one that works. */
  readonly backend?: string;
  /** Default `auto`. */
  readonly provider?: Provider;
  /** Threads inside the engine. */
  readonly threads: number;
  /** Timeout after which a call counts as hung. */
  readonly timeoutMs: number;
}

export interface Engine {
  /** Description, e.g. `onnxruntime 1.30.0 cpu, 2 threads`. */
  readonly name: string;
  /** Notices, e.g. the reason why a GPU is not used. */
  readonly notes?: readonly string[];
  /**
   * Runs one batch: `count` images back to back in `pixels`, whose buffer is transferred. Returns count × dimensions values.
   * One call at a time. A rejection means that this batch failed, not that the engine is lost: a crashed or hung thread has
   * been replaced. Errors: extractor-failed; model-invalid if the engine cannot be restarted.
   */
  run(pixels: Uint8Array<ArrayBuffer>, count: number): Promise<Float32Array>;
  /** Rejects the current call at once; resolves when that call has left native code. */
  close(): Promise<void>;
}

/** Errors: model-invalid, prerequisite-missing (a requested provider or backend is not available). */
export type OpenEngine = (options: EngineOptions) => Promise<Engine>;
