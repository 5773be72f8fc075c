/** The options of an extractor. */
import type { Provider } from './engines/api.ts';

/** Limits on what is decoded, so that no image can exhaust memory. */
export interface ImageLimits {
  readonly maxBytes: number;
  readonly maxPixels: number;
}

export interface ExtractorOptions {
  readonly limits?: Partial<ImageLimits>;
  /** Maximum number of images in an engine call, default 16. */
  readonly batchSize?: number;
  /** Maximum time that an image waits for others to share its engine call, default 5 ms. */
  readonly batchLingerMs?: number;
  /** Threads inside the engine, default the number of processors. */
  readonly threads?: number;
  /** Maximum number of concurrent extractions before `extract` calls wait, default 64. */
  readonly maxPending?: number;
  /** The device of the engine, default `auto`: a GPU where one works, else the CPU. */
  readonly provider?: Provider;
  /** Timeout after which the engine's worker is replaced and the image is `extractor-failed`, default 30 s. */
  readonly timeoutMs?: number;
  /** Called after each engine call with its number of images and its duration, for metrics. */
  readonly onBatch?: (images: number, seconds: number) => void;
}
