/** What an extractor is to the service that runs it: a record of the stream in (an encoded image and its attributes), one vector out. */
import type { VectorContract } from '@headwater/schemas';
import type { SourceRecord } from './stages/api.ts';

export interface ExtractorDescription {
  /** Name and version together, e.g. `lenet-digits.v1`. */
  readonly id: string;
  readonly name: string;
  readonly version: string;
  readonly contract: VectorContract;
  /** SHA-256 over weights, preprocessing and the revision of decoding, lower-case hex. */
  readonly digest: string;
}

export interface Extractor {
  readonly description: ExtractorDescription;
  /**
   * Decodes the encoded image of one record (JPEG, PNG, WebP, GIF, TIFF, AVIF), looks at its attributes where it uses them, and
   * answers its vector, `contract.dimensions` float32 values. Calls are batched across callers; results do not depend on what shares a batch.
   * Errors: image-unreadable, image-too-large, image-type-unsupported, record-unfit, vector-not-finite, extractor-failed.
   */
  extract(record: SourceRecord, signal?: AbortSignal): Promise<Float32Array>;
  /** What the engine is, for the log line at start and a metric, e.g. `onnxruntime 1.30.0 cpu, 2 threads`. */
  readonly engine: string;
  /** What its user should know, e.g. what the digest does not cover. For the log at start. */
  readonly notes?: readonly string[];
  close(): Promise<void>;
}
