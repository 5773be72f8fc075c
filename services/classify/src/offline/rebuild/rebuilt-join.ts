/**
 * The state of the join, rebuilt from `labels` and `vectors.*` by the join's own transitions: the expected
 * examples, and the changes of an import. All partitions are in one store on disk.
 */
import { HeadwaterError } from '@headwater/errors';
import { describeExtractor } from '@headwater/extractors';
import { type Log, type LogRecord, type Names, partitionFor } from '@headwater/log';
import { classOfLabel, type Example, type SchemaIds } from '@headwater/schemas';
import type { ClassifyConfig } from '../../environment.ts';
import { openJoinCodecs } from '../../join/join-codecs.ts';
import { PartitionJoin, type PartitionJoinOptions } from '../../join/partition-join.ts';
import { decodeImage } from '../../join/state/image-bytes.ts';
import { type ImageState, type StatedLabel, winner } from '../../join/state/image-state.ts';
import { type IncomingVector, readImage, readVector } from '../../join/state/join-state.ts';
import { createPredictor } from '../../predict/predictor.ts';
import { Draft, type StateEntry, type StateReader } from '../../store/state.ts';
import type { OnProgress } from '../progress.ts';
import { openTemporaryStore, type TemporaryStore } from '../temporary-store.ts';
import type { LabelledExample } from './example-table.ts';

export interface RebuiltJoinOptions {
  readonly log: Pick<Log, 'admin' | 'read'>;
  readonly names: Names;
  readonly schemaIds: SchemaIds;
  readonly config: Pick<ClassifyConfig, 'MAX_TASKS' | 'MAX_CLASSES' | 'MAX_CLOCK_SKEW'>;
  /** The extractor whose topic is required. */
  readonly extractor: string;
  /** Optional extractors of the join: labels that came with an image count through any of them. */
  readonly others: readonly string[];
  readonly folder: string;
  /** Exclusive end by topic and partition; default: the present ends. */
  readonly until?: ((topic: string, partition: number) => bigint) | undefined;
  /** Receives the records of one partition, and returns those to be applied. */
  readonly take?:
    | ((
        records: readonly LogRecord[],
        partition: Pick<PartitionJoin, 'incoming'>,
      ) => Promise<readonly LogRecord[]>)
    | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly progress?: OnProgress | undefined;
}

export class RebuiltJoin {
  readonly #options: RebuiltJoinOptions;
  readonly #temporary: TemporaryStore;
  readonly #partitionJoins: PartitionJoin[] = [];
  #partitions = 0;
  #read = 0;

  /** Errors: topic-missing, topic-mismatch, log-unavailable, store-unavailable, the signal's reason. */
  static async load(options: RebuiltJoinOptions): Promise<RebuiltJoin> {
    const join = new RebuiltJoin(options, await openTemporaryStore(options.folder));
    try {
      await join.#load();
      return join;
    } catch (error) {
      await join.close();
      throw error;
    }
  }

  private constructor(options: RebuiltJoinOptions, temporary: TemporaryStore) {
    this.#options = options;
    this.#temporary = temporary;
  }

  image(imageId: string): ImageState {
    return readImage(new Draft(this.#view(partitionFor(imageId, this.#partitions))), imageId);
  }

  /** Number of partitions of `labels` and of each topic of vectors. */
  get partitions(): number {
    return this.#partitions;
  }

  /** See `PartitionJoin.incoming`. */
  async incoming(record: LogRecord): Promise<IncomingVector | undefined> {
    return this.#partitionJoins[record.partition]?.incoming(record);
  }

  vector(imageId: string, extractor: string): Int16Array | undefined {
    return readVector(new Draft(this.#view(partitionFor(imageId, this.#partitions))), imageId, extractor);
  }

  /**
   * The example that the join writes for the image; its label is null after a retraction; undefined without a
   * label or a vector.
   */
  example(image: ImageState, extractor: string, task: string): Example | undefined {
    return exampleOf(image, this.#view(partitionFor(image.imageId, this.#partitions)), extractor, task);
  }

  /** Images that have a vector, by partition. */
  *images(): Generator<ImageState> {
    for (let partition = 0; partition < this.#partitions; partition++) {
      for (const { value } of this.#view(partition).range('image/')) {
        this.#options.signal?.throwIfAborted();
        const image = decodeImage(value);
        if (image.vectors.size > 0) yield image;
      }
    }
  }

  /** The examples of one training set, by partition. */
  async *examples(extractor: string, task: string): AsyncGenerator<LabelledExample> {
    for (const image of this.images()) {
      const example = this.example(image, extractor, task);
      if (example !== undefined && isLabelled(example)) yield example;
    }
  }

  async close(): Promise<void> {
    await this.#temporary.discard();
  }

  async #load(): Promise<void> {
    const { log, names, schemaIds } = this.#options;
    const vectors = await this.#vectorTopics();
    const topics = [names.topics.labels, ...vectors.keys()];
    this.#partitions = await countLanes(log, topics);
    const options: Omit<PartitionJoinOptions, 'partition'> = {
      group: names.groups.join,
      topics: { ...names.topics, refusedLabels: names.topics.deadLetters(names.topics.labels), vectors },
      codecs: await openJoinCodecs(schemaIds, names),
      partitions: { inputs: this.#partitions, examples: 1 },
      limits: { maxTasks: this.#options.config.MAX_TASKS, maxClasses: this.#options.config.MAX_CLASSES },
      maxFutureMs: this.#options.config.MAX_CLOCK_SKEW,
      declaredTasks: [],
      predict: nobody,
      dimensions: contractDimensions,
    };
    const total = await this.#total(topics);
    for (let partition = 0; partition < this.#partitions; partition++) {
      const partitionJoin = new PartitionJoin({ ...options, partition });
      this.#partitionJoins.push(partitionJoin);
      for (const topic of topics) await this.#replay(partitionJoin, topic, partition, total);
    }
  }

  /** Extractor by topic. */
  async #vectorTopics(): Promise<Map<string, string>> {
    const { log, names, extractor, others } = this.#options;
    const topics = new Map([[names.topics.vectors(extractor), extractor]]);
    for (const other of others) {
      const topic = names.topics.vectors(other);
      if ((await log.admin.partitions(topic)) !== undefined) topics.set(topic, other);
    }
    return topics;
  }

  async #replay(
    partitionJoin: PartitionJoin,
    topic: string,
    partition: number,
    total: number,
  ): Promise<void> {
    const { log, signal, progress, until, take } = this.#options;
    const { low, high } = (await log.admin.offsets(topic))[partition] ?? { low: 0n, high: 0n };
    const to = until?.(topic, partition) ?? high;
    if (low >= to) return;
    for await (const records of log.read({ topic, partition: partition, to })) {
      signal?.throwIfAborted();
      const draft = new Draft(this.#view(partition));
      await partitionJoin.replay((await take?.(records, partitionJoin)) ?? records, draft);
      const changes = [...draft.changes].map(
        ([key, value]) => [partitionedKey(partition, key), value] as const,
      );
      await this.#temporary.store.write(new Map(changes), new Map());
      this.#read += records.length;
      progress?.({ stage: 'reading labels and vectors', done: this.#read, total });
    }
  }

  async #total(topics: readonly string[]): Promise<number> {
    let total = 0n;
    for (const topic of topics) {
      for (const { low, high } of await this.#options.log.admin.offsets(topic)) total += high - low;
    }
    return Number(total);
  }

  #view(partition: number): StateReader {
    return new JoinPartitionView(this.#temporary.store, partition);
  }
}

/** One partition of the store. */
class JoinPartitionView implements StateReader {
  readonly #store: StateReader;
  readonly #partition: number;

  constructor(store: StateReader, partition: number) {
    this.#store = store;
    this.#partition = partition;
  }

  get(key: string): Buffer | undefined {
    return this.#store.get(partitionedKey(this.#partition, key));
  }

  *range(prefix: string): Iterable<StateEntry> {
    const { length } = partitionedKey(this.#partition, '');
    for (const { key, value } of this.#store.range(partitionedKey(this.#partition, prefix))) {
      yield { key: key.slice(length), value };
    }
  }
}

function partitionedKey(partition: number, key: string): string {
  return `partition-${partition}/${key}`;
}

function exampleOf(
  image: ImageState,
  view: StateReader,
  extractor: string,
  task: string,
): Example | undefined {
  const kept = image.vectors.get(extractor);
  const stated: StatedLabel | undefined = winner(image, task);
  const { imageId } = image;
  const vector = kept === undefined ? undefined : readVector(new Draft(view), imageId, extractor);
  if (kept === undefined || vector === undefined || stated === undefined) return undefined;
  const { assignedAt, annotator } = stated;
  const label = stated.label === null ? null : classOfLabel(stated.label);
  return { extractor, task, imageId, label, assignedAt, annotator, group: kept.group, vector };
}

function isLabelled(example: Example): example is LabelledExample {
  return example.label !== null;
}

/** Predicts nothing. */
const nobody = createPredictor({
  serving: { get: () => undefined, tasks: () => new Map<string, never>().keys() },
  extractors: [],
  declaredTasks: [],
});

/** Undefined for extractors of the user, which are not in the table: their vectors follow their schema. */
function contractDimensions(extractor: string): number | undefined {
  try {
    return describeExtractor(extractor).contract.dimensions;
  } catch {
    return undefined;
  }
}

async function countLanes(log: Pick<Log, 'admin'>, topics: readonly string[]): Promise<number> {
  const counts = new Set<number>();
  for (const topic of topics) {
    const partitions = await log.admin.partitions(topic);
    if (partitions === undefined) throw new HeadwaterError('topic-missing', `topic ${topic} does not exist`);
    counts.add(partitions);
  }
  const [count] = counts;
  if (count !== undefined && counts.size === 1) return count;
  throw new HeadwaterError('topic-mismatch', `${topics.join(', ')} differ in partitions`);
}
