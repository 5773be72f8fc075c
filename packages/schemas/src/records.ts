/**
 * TypeScript types of the records on topics. Each interface mirrors one `.avsc` in `schemas/`, which a test checks.
 * Times are milliseconds since the epoch (timestamp-millis).
 */

/** A claim check: a reference to bytes in the blob store that are too large for a message. */
export interface ImageReference {
  readonly uri: string;
  readonly byteLength: number;
  /** SHA-256 of the bytes, lower-case hex. */
  readonly sha256: string;
}

/** Topic `images`, key image id. A null record value erases the image. */
export interface ImageReceived {
  readonly id: string;
  readonly source: string;
  readonly receivedAt: number;
  /** Detected from the bytes, e.g. `image/jpeg`. */
  readonly mediaType: string;
  readonly width: number;
  readonly height: number;
  /** The encoded file, inline or by reference. */
  readonly content: Buffer | ImageReference;
  readonly attributes: Readonly<Record<string, string>>;
  /** Labels by task that are known at the source; assigned at `receivedAt`. */
  readonly labels: Readonly<Record<string, string>>;
  /** Group of near-duplicates (one scene, one patient); null without a group. */
  readonly group: string | null;
}

/** Topic `labels`, key image id. */
export interface LabelAssigned {
  readonly imageId: string;
  readonly task: string;
  /** null retracts the label. */
  readonly label: string | null;
  readonly assignedAt: number;
  /** Source of the label, a person or a system, as an opaque string. */
  readonly annotator: string;
}

export interface ExtractorRef {
  readonly name: string;
  readonly version: string;
  /** Digest of weights and preprocessing, lower-case hex SHA-256. */
  readonly digest: string;
}

/** Topic `vectors.<extractor>`, key image id; one Avro schema per extractor, generated from its contract. */
export interface VectorExtracted {
  readonly imageId: string;
  readonly extractor: ExtractorRef;
  /** Avro `fixed`, little-endian float32, exactly the contract's dimensions. */
  readonly vector: Float32Array;
  readonly labels: Readonly<Record<string, string>>;
  readonly group: string | null;
  readonly source: string;
  readonly receivedAt: number;
  readonly extractedAt: number;
}

/** Topic `examples`, key `compositeKey(extractor, task, imageId)`. */
export interface Example {
  readonly extractor: string;
  readonly task: string;
  readonly imageId: string;
  /** null: the label was retracted. */
  readonly label: string | null;
  readonly assignedAt: number;
  readonly annotator: string;
  readonly group: string | null;
  /** Quantised unit vector: int16 little-endian, 2^13 = 1.0. Avro `bytes`. */
  readonly vector: Int16Array;
}

export type HeadKind = 'lda' | 'ridge' | 'ncm' | 'softmax' | 'mlp' | 'knn';
export type HeadMode = 'provisional' | 'settled';
/** Pinned by an operator, or selected by measurement. */
export type ActivationReason = 'pinned' | 'champion';

/** A blob in the blob store. */
export interface BlobReference {
  readonly uri: string;
  readonly byteLength: number;
  readonly sha256: string;
}

/** Topic `heads`, key `compositeKey(extractor, task, kind, version)`. */
export interface HeadTrained {
  readonly extractor: string;
  readonly task: string;
  readonly kind: HeadKind;
  /** Sequence number for each (extractor, task, kind), from 1. */
  readonly version: number;
  /** SHA-256 of kind, classes and parameters of the head. Hex. */
  readonly digest: string;
  /** Sum modulo 2^256 of the SHA-256 of each example. Hex. */
  readonly setDigest: string;
  /** Revision of the computation of this kind: only heads with equal revisions are comparable. Default 1. */
  readonly arithmetic: number;
  /** Offset of `examples` (in the task's partition) up to which, exclusively, this head was trained. */
  readonly watermark: number;
  readonly mode: HeadMode;
  /** Ordered by their UTF-8 bytes. */
  readonly classes: readonly string[];
  /** Encoded by `packages/heads`; a reference when large. */
  readonly parameters: Buffer | BlobReference;
  readonly dimensions: number;
  readonly examples: number;
  /** The chosen shrinkage or penalty; null where the kind has none. */
  readonly regularization: number | null;
  readonly temperature: number;
  /** Values by name, e.g. prequential accuracy and log loss. */
  readonly measurements: Readonly<Record<string, number>>;
  readonly trainedAt: number;
}

/** Topic `serving`, key task. */
export interface HeadActivated {
  readonly task: string;
  readonly extractor: string;
  readonly kind: HeadKind;
  readonly version: number;
  readonly reason: ActivationReason;
  readonly activatedAt: number;
}

/** Reference to a head. */
export interface HeadRef {
  readonly kind: HeadKind;
  readonly version: number;
  readonly digest: string;
}

/** Topic `predictions`, key image id. One for each (source record, task, extractor). */
export interface ImageClassified {
  readonly imageId: string;
  readonly task: string;
  readonly extractor: string;
  /** null: no head serves this task yet; label and novelty are then null and probabilities empty. */
  readonly head: HeadRef | null;
  readonly label: string | null;
  /** The confidence is below the threshold of the target error rate; the label is then only the most probable class. */
  readonly abstained: boolean;
  /** Probability by class, sum 1; only the most probable classes where there are more than 100. */
  readonly probabilities: Readonly<Record<string, number>>;
  /** Percentile 0..1 of relative Mahalanobis distance; null where the head gives none. */
  readonly novelty: number | null;
  readonly receivedAt: number;
  readonly predictedAt: number;
}
