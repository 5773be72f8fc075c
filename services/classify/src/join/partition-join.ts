/**
 * One partition of the join: decodes and checks records, applies the state transitions, and encodes their
 * outputs. Rolling forward runs the same code without outputs.
 */
import { asDeadLetter, HeadwaterError } from '@headwater/errors';
import { quantize } from '@headwater/heads';
import { type LogRecord, type OutgoingRecord, partitionFor } from '@headwater/log';
import { compositeKey, type ImageClassified, imageIdOfKey, type LabelAssigned } from '@headwater/schemas';
import type { Predictor } from '../predict/predictor.ts';
import { Draft } from '../store/state.ts';
import type { JoinCodecs } from './join-codecs.ts';
import { checkLabel, checkVector, type Written, writtenAt } from './record-checks.ts';
import { type RefusedLabel, refusedLabelRecord, sortLabels } from './source-labels.ts';
import { type Candidate, candidateOf, isUnlabelled, offerCandidate } from './state/candidates.ts';
import { type NoveltyUpdate, watchNovelty } from './state/image-novelty.ts';
import {
  applyErasure,
  applyLabel,
  applyPrediction,
  applyUnknownPrediction,
  applyVector,
  type ExampleOutput,
  type IncomingVector,
  readImage,
  readVector,
  unlabelledTasks,
  vectorWithoutPrediction,
} from './state/join-state.ts';
import type { Limits } from './state/partition-counts.ts';
import { recordPrediction, servedPredictionOf } from './state/served-answers.ts';

/** Marks a record that was forwarded to the partition of its image. */
const forwardedHeader = 'headwater.forwarded';

/** Annotator of the retracted labels of an erased image. */
export const erasureAnnotator = 'erasure';

export interface PartitionJoinOptions {
  readonly partition: number;
  /** The consumer group, named in dead letters. */
  readonly group: string;
  readonly topics: {
    readonly labels: string;
    /** Topic of dead letters of `labels`. */
    readonly refusedLabels: string;
    readonly examples: string;
    readonly predictions: string;
    /** Topic of vectors to its extractor. */
    readonly vectors: ReadonlyMap<string, string>;
  };
  readonly codecs: JoinCodecs;
  readonly partitions: { readonly inputs: number; readonly examples: number };
  readonly limits: Limits;
  /** Maximum distance of a label's time into the future. */
  readonly maxFutureMs: number;
  readonly declaredTasks: readonly string[];
  readonly predict: Predictor;
  /** Dimensions of an extractor's contract; undefined where the contract is not known here. */
  dimensions(extractor: string): number | undefined;
}

/** The result of one record. */
export interface Handled {
  readonly records: OutgoingRecord[];
  readonly examples: readonly ExampleOutput[];
  readonly predictions: readonly ImageClassified[];
  readonly novelties: readonly NoveltyUpdate[];
  /** Invalid labels that came with the image; `records` has their dead letters. */
  readonly refused: readonly RefusedLabel[];
}

/** Outputs of a state transition, for live processing. */
interface Outputs {
  readonly examples: ExampleOutput[];
  readonly refused: RefusedLabel[];
}

/** When a record is processed, and what follows from when it was written. */
interface Moment {
  readonly now: number;
  readonly written: Written;
}

const nothing: Handled = { records: [], examples: [], predictions: [], novelties: [], refused: [] };

export class PartitionJoin {
  readonly #options: PartitionJoinOptions;

  constructor(options: PartitionJoinOptions) {
    this.#options = options;
  }

  /** Errors: those that make the record a dead letter; the draft is then unchanged. */
  async handle(record: LogRecord, draft: Draft, now: number): Promise<Handled> {
    const imageId = imageIdOfKey(record.key);
    const home = partitionFor(imageId, this.#options.partitions.inputs);
    if (home !== this.#options.partition) return { ...nothing, records: [forward(record, home)] };
    const inner = new Draft(draft);
    const handled = await this.#dispatch(record, imageId, inner, now);
    draft.absorb(inner);
    return handled;
  }

  /**
   * Decodes and checks a vector; undefined for another kind of record, an erasure, or a record in the wrong
   * partition. Errors: those that make the record a dead letter.
   */
  async incoming(record: LogRecord): Promise<IncomingVector | undefined> {
    const extractor = this.#options.topics.vectors.get(record.topic);
    if (extractor === undefined || record.value === null) return undefined;
    const imageId = imageIdOfKey(record.key);
    if (partitionFor(imageId, this.#options.partitions.inputs) !== this.#options.partition) return undefined;
    return this.#incoming(record, imageId, extractor, this.#written(record, Date.now()));
  }

  /** Only the state transitions, for records that were processed before; those of the future are refused again. */
  async replay(records: readonly LogRecord[], draft: Draft, now = Date.now()): Promise<void> {
    for (const record of records) {
      try {
        await this.#replayOne(record, draft, now);
      } catch (error) {
        asDeadLetter(error);
      }
    }
  }

  async #replayOne(record: LogRecord, draft: Draft, now: number): Promise<void> {
    const imageId = imageIdOfKey(record.key);
    if (partitionFor(imageId, this.#options.partitions.inputs) !== this.#options.partition) return;
    const inner = new Draft(draft);
    const written = this.#written(record, now);
    const vector = await this.#transition(record, imageId, inner, { now: record.timestamp, written });
    if (vector !== undefined) this.#closeScores(vector, inner);
    draft.absorb(inner);
  }

  async #dispatch(record: LogRecord, imageId: string, draft: Draft, now: number): Promise<Handled> {
    const outputs: Outputs = { examples: [], refused: [] };
    const { examples, refused } = outputs;
    const retractions = this.#retractions(record, imageId, draft, now);
    const written = this.#written(record, now);
    const vector = await this.#transition(record, imageId, draft, { now, written }, outputs);
    const predictions = vector === undefined ? [] : this.#predict(vector, draft, now);
    const records = [
      ...predictions.map((prediction) => this.#predictionRecord(prediction, record)),
      ...examples.map((example) => this.#exampleRecord(example, record)),
      ...refused.map((label) => this.#refusedRecord(label, record)),
      ...retractions,
    ];
    const novelties = predictions.flatMap((prediction) => this.#watch(prediction, draft) ?? []);
    return { records, examples, predictions, novelties, refused };
  }

  /** Returns the record's vector, if any. */
  async #transition(
    record: LogRecord,
    imageId: string,
    draft: Draft,
    { now, written }: Moment,
    { examples, refused }: Outputs = { examples: [], refused: [] },
  ): Promise<IncomingVector | undefined> {
    const { topics, limits } = this.#options;
    const extractor = topics.vectors.get(record.topic);
    if (extractor === undefined) {
      const label = await this.#decodeLabel(record, imageId, written);
      examples.push(...applyLabel(draft, label, now, limits));
      return undefined;
    }
    if (record.value === null) {
      examples.push(...applyErasure(draft, extractor, imageId, erasureTime(record, now)));
      return undefined;
    }
    const vector = await this.#incoming(record, imageId, extractor, written);
    const sorted = sortLabels(vector.record, written, draft, limits);
    refused.push(...sorted.refused);
    const counted = { ...vector, record: sorted.vector };
    examples.push(...applyVector(draft, counted, now, limits));
    return counted;
  }

  async #incoming(
    record: LogRecord,
    imageId: string,
    extractor: string,
    written: Written,
  ): Promise<IncomingVector> {
    const decoded = await this.#options.codecs.vectors.decode(record.value ?? Buffer.alloc(0));
    checkVector(decoded, imageId, extractor, written);
    return { extractor, record: decoded, numbers: this.#quantize(extractor, decoded.vector) };
  }

  /**
   * Retracts the labels of an erased image: they stay in their topic longer than its tombstone, and a later
   * rebuild must not restore them.
   */
  #retractions(record: LogRecord, imageId: string, draft: Draft, now: number): OutgoingRecord[] {
    const { topics, codecs } = this.#options;
    if (record.value !== null || !topics.vectors.has(record.topic)) return [];
    const assignedAt = erasureTime(record, now);
    return unlabelledTasks(draft, imageId, assignedAt).map((task) => {
      const retraction = { imageId, task, label: null, assignedAt, annotator: erasureAnnotator };
      return { topic: topics.labels, key: imageId, value: codecs.labels.encode(retraction), cause: record };
    });
  }

  async #decodeLabel(record: LogRecord, imageId: string, written: Written): Promise<LabelAssigned> {
    if (record.value === null) {
      throw new HeadwaterError('record-empty', 'the label record has no value; set label to null to retract');
    }
    const label = await this.#options.codecs.labels.decode(record.value);
    checkLabel(label, imageId, written);
    return label;
  }

  /** Relative to the record's timestamp, so that a later rebuild decides the same. */
  #written({ timestamp }: LogRecord, now: number): Written {
    return writtenAt(timestamp, now, this.#options.maxFutureMs);
  }

  #quantize(extractor: string, vector: Float32Array): Int16Array {
    const dimensions = this.#options.dimensions(extractor);
    if (dimensions !== undefined && vector.length !== dimensions) {
      throw new HeadwaterError('vector-wrong-dimensions', 'the vector breaks its extractor’s contract', {
        context: { dimensions, found: vector.length },
      });
    }
    return quantize(vector);
  }

  #predict({ extractor, record, numbers }: IncomingVector, draft: Draft, now: number): ImageClassified[] {
    const { predict } = this.#options;
    const { imageId, receivedAt } = record;
    const predictions: ImageClassified[] = [];
    for (const task of predict.tasks()) {
      const asked = predict.asked(task);
      if (asked === undefined) continue;
      const own = asked === extractor;
      const vector = own ? numbers : vectorWithoutPrediction(draft, { imageId, task, receivedAt }, asked);
      if (vector === undefined) continue;
      const prediction = predict.answer(
        { imageId, extractor: asked, numbers: vector, receivedAt },
        task,
        now,
      );
      this.#keep(prediction, draft, now);
      predictions.push(prediction);
    }
    return predictions;
  }

  #keep(prediction: ImageClassified, draft: Draft, now: number): void {
    const given = servedPredictionOf(prediction);
    const { imageId, task, label, receivedAt } = prediction;
    const published = { imageId, task, label, receivedAt, ...(given === undefined ? {} : { given }) };
    applyPrediction(draft, published, now);
    recordPrediction(draft, prediction);
    if (!isUnlabelled(readImage(draft, imageId), task)) return;
    offerCandidate(draft, task, candidateOf(prediction), (one) => this.#judge(one, task, draft, now));
  }

  #watch(prediction: ImageClassified, draft: Draft): NoveltyUpdate | undefined {
    return watchNovelty(draft, prediction, this.#options.predict.references?.(prediction.task) ?? 0);
  }

  /** Judges a candidate again where another head serves now. */
  #judge(candidate: Candidate, task: string, draft: Draft, now: number): Candidate | undefined {
    const { predict } = this.#options;
    const { imageId, version } = candidate;
    if (!isUnlabelled(readImage(draft, imageId), task)) return undefined;
    if (version !== null && version === predict.version?.(task)) return candidate;
    const extractor = predict.asked(task);
    const numbers = extractor === undefined ? undefined : readVector(draft, imageId, extractor);
    if (extractor === undefined || numbers === undefined) return undefined;
    return candidateOf(predict.answer({ imageId, extractor, numbers, receivedAt: 0 }, task, now));
  }

  /** The published prediction is unknown, and the present head has learned since. */
  #closeScores({ record }: IncomingVector, draft: Draft): void {
    const { declaredTasks, predict } = this.#options;
    const { imageId, receivedAt } = record;
    const tasks = new Set([...declaredTasks, ...predict.tasks(), ...Object.keys(record.labels)]);
    for (const task of tasks) {
      applyUnknownPrediction(draft, { imageId, task, receivedAt });
      if (!isUnlabelled(readImage(draft, imageId), task)) continue;
      offerCandidate(draft, task, { imageId, version: null, priority: 1 }, (holder) => holder);
    }
  }

  #predictionRecord(prediction: ImageClassified, cause: LogRecord): OutgoingRecord {
    const { topics, codecs } = this.#options;
    const value = codecs.predictions.encode(prediction);
    return { topic: topics.predictions, key: prediction.imageId, value, cause };
  }

  #refusedRecord(label: RefusedLabel, cause: LogRecord): OutgoingRecord {
    const { topics, codecs, group } = this.#options;
    return refusedLabelRecord(label, { topic: topics.refusedLabels, group, codec: codecs.labels, cause });
  }

  /** Partitioned by task, so that one trainer receives all its examples. */
  #exampleRecord({ extractor, task, imageId, example }: ExampleOutput, cause: LogRecord): OutgoingRecord {
    const { topics, codecs, partitions } = this.#options;
    return {
      topic: topics.examples,
      partition: partitionFor(task, partitions.examples),
      key: compositeKey(extractor, task, imageId),
      value: example === null ? null : codecs.examples.encode(example),
      cause,
    };
  }
}

function erasureTime({ timestamp }: LogRecord, now: number): number {
  return timestamp > 0 ? timestamp : now;
}

/**
 * Clients with another partitioner write labels to other partitions than their images: each is forwarded
 * once.
 */
function forward(record: LogRecord, partition: number): OutgoingRecord {
  if (record.headers[forwardedHeader] !== undefined) {
    throw new HeadwaterError(
      'record-invalid',
      'the record was forwarded and is still in the wrong partition',
    );
  }
  const { topic, key, value, timestamp } = record;
  const headers = { ...record.headers, [forwardedHeader]: '1' };
  return { topic, partition, key, value, headers, timestamp, cause: record };
}
