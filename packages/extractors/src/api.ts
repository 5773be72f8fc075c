/**
 * The contract between extractors and the service that runs them: a record of the stream in (an encoded image and its
 * attributes), one vector out.
 */
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
   * Decodes the encoded image of one record (JPEG, PNG, WebP, GIF, TIFF, AVIF), reads its attributes if the extractor uses
   * them, and returns its vector, `contract.dimensions` float32 values. Calls are batched across callers; results do not depend
   * on the other images of a batch. Errors: image-unreadable, image-too-large, image-type-unsupported, record-unfit,
   * vector-not-finite, extractor-failed.
   */
  extract(record: SourceRecord, signal?: AbortSignal): Promise<Float32Array>;
  /** Description of the engine for the log line at start and a metric, e.g. `onnxruntime 1.30.0 cpu, 2 threads`. */
  readonly engine: string;
  /** Notices for the log at start, e.g. on files that the digest does not cover. */
  readonly notes?: readonly string[];
  close(): Promise<void>;
}
