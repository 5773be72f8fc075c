/**
 * What runs a net. An engine takes a batch of pixels and answers a batch of vectors; batching, retries and time-outs are
 * the business of those who call it, so that all engines have the same.
 */

/** Where to compute: `auto` is a GPU where one works, else the processor. */
export const providers = ['auto', 'cpu', 'cuda', 'tensorrt'] as const;
export type Provider = (typeof providers)[number];

export interface EngineOptions {
  /** The weights, already verified. */
  readonly weights: Uint8Array;
  /** Pixels of one image: uint8 [side, side, channels]. */
  readonly inputShape: readonly [side: number, side: number, channels: number];
  readonly dimensions: number;
  /** Name of the output to read. */
  readonly output: string;
  /** Which of an engine's backends to run on, where it has several; without it the best that works. */
  readonly backend?: string;
  /** Default `auto`. */
  readonly provider?: Provider;
  /** Threads inside the engine. */
  readonly threads: number;
  /** After this long a call counts as hung. */
  readonly timeoutMs: number;
}

export interface Engine {
  /** What it is, e.g. `onnxruntime 1.30.0 cpu, 2 threads`. */
  readonly name: string;
  /** What its user should know, e.g. why a GPU was passed over. */
  readonly notes?: readonly string[];
  /**
   * Runs one batch: `count` images back to back in `pixels`, whose buffer is taken over. Answers count × dimensions values.
   * One call at a time. A rejection means that this batch failed, not that the engine is lost: what crashed or hung was replaced.
   * Errors: extractor-failed; model-invalid when the engine can't be started again.
   */
  run(pixels: Uint8Array<ArrayBuffer>, count: number): Promise<Float32Array>;
  /** Rejects the call under way at once; resolves when that call has left native code. */
  close(): Promise<void>;
}

/** Errors: model-invalid, prerequisite-missing (a provider or backend that is asked for and is not there). */
export type OpenEngine = (options: EngineOptions) => Promise<Engine>;
