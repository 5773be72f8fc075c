/**
 * The state from which every head is computed: a sum over examples, and therefore independent of their order, batches, workers
 * and history.
 */
import { HeadwaterError } from '@headwater/errors';
import type { LabelledVector, TrainingSet } from '../api.ts';
import type { Kernel } from '../kernel/api.ts';
import { chooseKernel } from '../kernel/kernel.ts';
import { ByteReader, ByteWriter } from '../numerics/byte-writer.ts';
import { unit } from '../numerics/quantization.ts';
import { BottomKSample, hexKey, minimumKept, truncateSample } from './bottom-k-sample.ts';
import { openFeatureExpansion } from './random-feature-expansion.ts';
import { addDigest, digestExample, formatDigest, subtractDigest } from './set-digest.ts';
import { maximumExpandedExamples, SufficientStatistics } from './sufficient-statistics.ts';

const formatName = 'headwater-labelled-set';
const formatVersion = 1;

export interface TrainingSetOptions {
  readonly extractor: string;
  readonly task: string;
  /** Entries of each vector. */
  readonly dimensions: number;
  /** Dimensions of the integer random feature expansion (random-feature-expansion.ts), a multiple of 4; none by default. */
  readonly lift?: number | null;
}

/** An empty set. */
export function createTrainingSet(options: TrainingSetOptions): TrainingSet {
  return new ExactTrainingSet(options, chooseKernel());
}

/** Reads the bytes of `serialize`. Errors: statistics-mismatch, where the bytes are of another kind or version, or truncated. */
export function deserializeTrainingSet(bytes: Uint8Array): TrainingSet {
  return ExactTrainingSet.deserialize(bytes, chooseKernel());
}

/**
 * The implementation behind a training set, for the solvers of this package. Errors: statistics-mismatch, for a set that is not
 * of this package.
 */
export function requireExactTrainingSet(set: TrainingSet): ExactTrainingSet {
  if (set instanceof ExactTrainingSet) return set;
  throw new HeadwaterError('statistics-mismatch', 'training set must be created by createTrainingSet');
}

export class ExactTrainingSet implements TrainingSet {
  readonly extractor: string;
  readonly task: string;
  readonly dimensions: number;
  readonly lift: number | null;
  readonly statistics: SufficientStatistics;
  readonly #reserve = new BottomKSample();
  #digest = 0n;

  constructor({ extractor, task, dimensions, lift = null }: TrainingSetOptions, kernel: Kernel) {
    this.lift = lift;
    this.extractor = extractor;
    this.task = task;
    this.dimensions = dimensions;
    this.statistics =
      lift === null
        ? new SufficientStatistics(dimensions, kernel)
        : new SufficientStatistics(
            openFeatureExpansion(kernel, dimensions, lift).dimensions,
            kernel,
            maximumExpandedExamples,
          );
  }

  get examples(): number {
    return this.statistics.examples;
  }

  get classes(): ReadonlyMap<string, number> {
    return new Map(this.statistics.classes.map((label) => [label, this.statistics.count(label)]));
  }

  get setDigest(): string {
    return formatDigest(this.#digest);
  }

  get needsRefill(): boolean {
    return !this.#reserve.isComplete(this.examples);
  }

  add(example: LabelledVector): void {
    this.#checkVector(example.vector);
    this.statistics.checkRoom(1);
    this.#reserve.checkAbsent(example);
    this.#digest = addDigest(this.#digest, digestExample(this.extractor, this.task, example));
    this.statistics.add(example.label, this.expand(example.vector));
    this.#reserve.add(example);
  }

  remove(example: LabelledVector): void {
    this.#checkVector(example.vector);
    if (this.statistics.count(example.label) === 0) mismatch('training set has no example of this class');
    this.#reserve.checkPresent(example);
    this.#digest = subtractDigest(this.#digest, digestExample(this.extractor, this.task, example));
    this.statistics.remove(example.label, this.expand(example.vector));
    this.#reserve.remove(example, this.examples);
  }

  merge(other: TrainingSet): void {
    const opened = requireExactTrainingSet(other);
    const kinds = [this, opened].map((set) => [set.extractor, set.task, set.dimensions, set.lift]);
    if (JSON.stringify(kinds[0]) !== JSON.stringify(kinds[1])) {
      mismatch('training sets of different extractors, tasks, dimensions or LIFT cannot be merged');
    }
    this.statistics.checkRoom(opened.examples);
    this.#reserve.checkDisjoint(opened.#reserve);
    this.#digest = addDigest(this.#digest, opened.#digest);
    this.statistics.merge(opened.statistics);
    this.#reserve.merge(opened.#reserve);
  }

  refill(examplesByKey: Iterable<LabelledVector>): void {
    this.#reserve.refill(examplesByKey, this.examples);
  }

  /** See `truncateSample`. */
  sample(limit: number): LabelledVector[] {
    return truncateSample(this.first(limit + 1), limit);
  }

  /**
   * The first examples in the order of their sample keys; at least as many are known as a sample needs. Errors:
   * sample-incomplete.
   */
  first(count: number): LabelledVector[] {
    this.#checkComplete();
    return this.#reserve.first(count);
  }

  serialize(): Uint8Array<ArrayBuffer> {
    this.#checkComplete();
    const writer = new ByteWriter();
    writer.text(formatName);
    writer.uint32(formatVersion);
    for (const text of [this.extractor, this.task, this.setDigest]) writer.text(text);
    writer.uint32(this.dimensions);
    writer.uint32(this.lift ?? 0);
    this.#writeClasses(writer);
    writer.numbers(this.statistics.gram);
    this.#writeSample(writer);
    return writer.finish();
  }

  #writeClasses(writer: ByteWriter): void {
    const { classes } = this.statistics;
    writer.uint32(classes.length);
    for (const label of classes) {
      writer.text(label);
      writer.uint32(this.statistics.count(label));
      writer.numbers(this.statistics.sum(label));
    }
  }

  #writeSample(writer: ByteWriter): void {
    const examples = this.#reserve.first(minimumKept);
    writer.uint32(examples.length);
    for (const { imageId, label, group, vector } of examples) {
      writer.text(imageId);
      writer.text(label);
      writer.uint32(group === null ? 0 : 1);
      writer.text(group ?? '');
      writer.numbers(vector);
    }
  }

  static deserialize(bytes: Uint8Array, kernel: Kernel): ExactTrainingSet {
    const reader = new ByteReader(bytes, 'statistics-mismatch');
    if (reader.text() !== formatName || reader.uint32() !== formatVersion) {
      mismatch('bytes are not a training set of this version; rebuild it from its examples');
    }
    const [extractor, task, digest] = [reader.text(), reader.text(), reader.text()];
    const [dimensions, lift] = [reader.uint32(), reader.uint32()];
    const set = new ExactTrainingSet({ extractor, task, dimensions, lift: lift === 0 ? null : lift }, kernel);
    set.#digest = BigInt(`0x${digest}`);
    set.#readClasses(reader);
    set.statistics.restoreGram(reader.float64s());
    set.#readSample(reader);
    reader.end();
    return set;
  }

  #readClasses(reader: ByteReader): void {
    for (let left = reader.uint32(); left > 0; left--) {
      this.statistics.restoreClass(reader.text(), reader.uint32(), reader.float64s());
    }
  }

  #readSample(reader: ByteReader): void {
    const entries = Array.from({ length: reader.uint32() }, () => {
      const example = readExample(reader);
      return { key: hexKey(example), example };
    });
    this.#reserve.restore(entries, this.examples);
  }

  /** Maps a vector to the space of the statistics: the vector itself, or its random feature expansion. */
  expand(vector: Int16Array): Int16Array {
    if (this.lift === null) return vector;
    return openFeatureExpansion(this.statistics.kernel, this.dimensions, this.lift).apply(vector);
  }

  #checkVector(vector: Int16Array): void {
    if (vector.length !== this.dimensions) {
      mismatch(`vector has ${vector.length} dimensions, the training set ${this.dimensions}`);
    }
    for (const value of vector) {
      if (value > unit || value < -unit) mismatch('vector is not a quantised unit vector');
    }
  }

  #checkComplete(): void {
    if (!this.needsRefill) return;
    throw new HeadwaterError(
      'sample-incomplete',
      'removals have used up the sample of this training set; call refill first',
    );
  }
}

function readExample(reader: ByteReader): LabelledVector {
  const [imageId, label, hasGroup, group] = [reader.text(), reader.text(), reader.uint32(), reader.text()];
  return { imageId, label, group: hasGroup === 1 ? group : null, vector: reader.int16s() };
}

function mismatch(message: string): never {
  throw new HeadwaterError('statistics-mismatch', message);
}
