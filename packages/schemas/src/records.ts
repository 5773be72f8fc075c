/**
 * The records that travel on the topics, as TypeScript sees them. Each interface mirrors one `.avsc` of
 * this folder; a test holds the two together. Times are milliseconds since the epoch (timestamp-millis).
 */

/** A claim check: bytes kept in the blob store because a message may not carry them. */
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
  /** Found by looking at the bytes, e.g. `image/jpeg`. */
  readonly mediaType: string;
  readonly width: number;
  readonly height: number;
  /** The encoded file, inline or by reference. */
  readonly content: Buffer | ImageReference;
  readonly attributes: Readonly<Record<string, string>>;
  /** Task to label, for labels known at the source; they count as assigned at `receivedAt`. */
  readonly labels: Readonly<Record<string, string>>;
  /** Near-duplicates that belong together (one scene, one patient); null when alone. */
  readonly group: string | null;
}

/** Topic `labels`, key image id. */
export interface LabelAssigned {
  readonly imageId: string;
  readonly task: string;
  /** null retracts. */
  readonly label: string | null;
  readonly assignedAt: number;
  /** Who said so: a person or a system, as one opaque string. */
  readonly annotator: string;
}

export interface ExtractorRef {
  readonly name: string;
  readonly version: string;
  /** Digest of weights and preprocessing, lower-case hex SHA-256. */
  readonly digest: string;
}

/** Topic `vectors.<extractor>`, key image id; one Avro schema an extractor, made from its contract. */
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
/** Pinned by somebody, or the best one by measurement. */
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
  /** Counts up for each (extractor, task, kind), from 1. */
  readonly version: number;
  /** SHA-256 of what defines the head: kind, classes, parameters. Hex. */
  readonly digest: string;
  /** Sum modulo 2^256 of the SHA-256 of each example. Hex. */
  readonly setDigest: string;
  /** Raised when a version changes what this kind computes: heads of one set are comparable where it is the same. 1 where it was not stated. */
  readonly arithmetic: number;
  /** Offset of `examples` (in the task's partition) up to which, exclusively, this head has learned. */
  readonly watermark: number;
  readonly mode: HeadMode;
  /** Ordered by their UTF-8 bytes. */
  readonly classes: readonly string[];
  /** As `packages/heads` encodes them; by reference when large. */
  readonly parameters: Buffer | BlobReference;
  readonly dimensions: number;
  readonly examples: number;
  /** The shrinkage or penalty chosen; null where the kind has none. */
  readonly regularization: number | null;
  readonly temperature: number;
  /** Name to value: prequential accuracy, log loss and the like. */
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

/** Names a head. */
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
  /** The head is less sure than the wanted error rate asks for; the label is then its best guess, not an answer. */
  readonly abstained: boolean;
  /** Class to probability, sum 1; the most probable classes only where there are more than 100. */
  readonly probabilities: Readonly<Record<string, number>>;
  /** Percentile 0..1 of relative Mahalanobis distance; null where the head gives none. */
  readonly novelty: number | null;
  readonly receivedAt: number;
  readonly predictedAt: number;
}
