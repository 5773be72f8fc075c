/** The options of an extractor. */
import type { Provider } from './engines/api.ts';

/** Limits on what is decoded, so that no image can exhaust memory. */
export interface ImageLimits {
  readonly maxBytes: number;
  readonly maxPixels: number;
}

export interface ExtractorOptions {
  readonly limits?: Partial<ImageLimits>;
  /** Images an engine call at most, default 16. */
  readonly batchSize?: number;
  /** How long an image may wait for others to share its engine call, default 5 ms. */
  readonly batchLingerMs?: number;
  /** Threads inside the engine, default the number of processors. */
  readonly threads?: number;
  /** Extractions under way at once before `extract` calls wait, default 64. */
  readonly maxPending?: number;
  /** Where the engine computes, default `auto`: on a GPU where one works, else on the processor. */
  readonly provider?: Provider;
  /** After this long the engine's worker is replaced and the image is `extractor-failed`, default 30 s. */
  readonly timeoutMs?: number;
  /** Called after each engine call with the number of images that shared it and its duration. For metrics. */
  readonly onBatch?: (images: number, seconds: number) => void;
}
