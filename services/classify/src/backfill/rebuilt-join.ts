/**
 * What the join knows, worked out anew from `labels` and `vectors.*` by the very transitions that it runs: the examples that
 * there should be, and what an import would change. All lanes lie in one store on disk.
 */
import { HeadwaterError } from '@headwater/errors';
import { describeExtractor } from '@headwater/extractors';
import { classOfLabel, type SchemaIds } from '@headwater/schemas';
import { type Log, type Names, partitionFor } from '@headwater/stream';
import type { ClassifyConfig } from '../environment.ts';
import { decodeImage } from '../join/image-bytes.ts';
import { type ImageState, type StatedLabel, winner } from '../join/image-state.ts';
import { openJoinCodecs } from '../join/join-codecs.ts';
import { JoinLane, type JoinLaneOptions } from '../join/join-lane.ts';
import { readImage, readVector } from '../join/join-state.ts';
import { createPredictor } from '../predict/predictor.ts';
import { Draft, type StateEntry, type StateReader } from '../store/state.ts';
import type { LabelledExample } from './example-table.ts';
import type { OnProgress } from './progress.ts';
import { openTemporaryStore, type TemporaryStore } from './temporary-store.ts';

export interface RebuiltJoinOptions {
  readonly log: Pick<Log, 'admin' | 'read'>;
  readonly names: Names;
  readonly schemaIds: SchemaIds;
  readonly config: Pick<ClassifyConfig, 'MAX_TASKS' | 'MAX_CLASSES' | 'MAX_CLOCK_SKEW'>;
  /** Whose vectors must be there. */
  readonly extractor: string;
  /** The others that the join reads, where they have a topic: labels that came with an image count through any of them. */
  readonly others: readonly string[];
  readonly folder: string;
  readonly signal?: AbortSignal | undefined;
  readonly progress?: OnProgress | undefined;
}

export class RebuiltJoin {
  readonly #options: RebuiltJoinOptions;
  readonly #temporary: TemporaryStore;
  #lanes = 0;
  #read = 0;

  /** Reads to the ends of the topics as they are now. Errors: topic-missing, topic-mismatch, log-unavailable, store-unavailable, the signal's reason. */
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
    return readImage(new Draft(this.#view(partitionFor(imageId, this.#lanes))), imageId);
  }

  /** The examples of one labelled set, lane by lane. */
  async *examples(extractor: string, task: string): AsyncGenerator<LabelledExample> {
    for (let lane = 0; lane < this.#lanes; lane++) {
      const view = this.#view(lane);
      for (const { value } of view.range('image/')) {
        this.#options.signal?.throwIfAborted();
        const example = exampleOf(decodeImage(value), view, extractor, task);
        if (example !== undefined) yield example;
      }
    }
  }

  async close(): Promise<void> {
    await this.#temporary.discard();
  }

  async #load(): Promise<void> {
    const { log, names, schemaIds } = this.#options;
    const vectors = await this.#vectorTopics();
    const topics = [names.topics.labels, ...vectors.keys()];
    this.#lanes = await countLanes(log, topics);
    const options: Omit<JoinLaneOptions, 'lane'> = {
      group: names.groups.join,
      topics: { ...names.topics, refusedLabels: names.topics.deadLetters(names.topics.labels), vectors },
      codecs: await openJoinCodecs(schemaIds, names),
      partitions: { lanes: this.#lanes, examples: 1 },
      limits: { maxTasks: this.#options.config.MAX_TASKS, maxClasses: this.#options.config.MAX_CLASSES },
      maxFutureMs: this.#options.config.MAX_CLOCK_SKEW,
      declaredTasks: [],
      predict: nobody,
      dimensions: contractDimensions,
    };
    const total = await this.#total(topics);
    for (let lane = 0; lane < this.#lanes; lane++) {
      const joinLane = new JoinLane({ ...options, lane });
      for (const topic of topics) await this.#replay(joinLane, topic, lane, total);
    }
  }

  /** Topic to extractor. */
  async #vectorTopics(): Promise<Map<string, string>> {
    const { log, names, extractor, others } = this.#options;
    const topics = new Map([[names.topics.vectors(extractor), extractor]]);
    for (const other of others) {
      const topic = names.topics.vectors(other);
      if ((await log.admin.partitions(topic)) !== undefined) topics.set(topic, other);
    }
    return topics;
  }

  async #replay(joinLane: JoinLane, topic: string, lane: number, total: number): Promise<void> {
    const { log, signal, progress } = this.#options;
    const { low, high } = (await log.admin.offsets(topic))[lane] ?? { low: 0n, high: 0n };
    if (low >= high) return;
    for await (const records of log.read({ topic, partition: lane, to: high })) {
      signal?.throwIfAborted();
      const draft = new Draft(this.#view(lane));
      await joinLane.replay(records, draft);
      const changes = [...draft.changes].map(([key, value]) => [laneKey(lane, key), value] as const);
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

  #view(lane: number): StateReader {
    return new LaneView(this.#temporary.store, lane);
  }
}

/** One lane's part of the store. */
class LaneView implements StateReader {
  readonly #store: StateReader;
  readonly #lane: number;

  constructor(store: StateReader, lane: number) {
    this.#store = store;
    this.#lane = lane;
  }

  get(key: string): Buffer | undefined {
    return this.#store.get(laneKey(this.#lane, key));
  }

  *range(prefix: string): Iterable<StateEntry> {
    const { length } = laneKey(this.#lane, '');
    for (const { key, value } of this.#store.range(laneKey(this.#lane, prefix))) {
      yield { key: key.slice(length), value };
    }
  }
}

function laneKey(lane: number, key: string): string {
  return `lane-${lane}/${key}`;
}

function exampleOf(
  image: ImageState,
  view: StateReader,
  extractor: string,
  task: string,
): LabelledExample | undefined {
  const kept = image.vectors.get(extractor);
  const stated: StatedLabel | undefined = winner(image, task);
  const { imageId } = image;
  const vector = kept === undefined ? undefined : readVector(new Draft(view), imageId, extractor);
  if (kept === undefined || vector === undefined || stated === undefined || stated.label === null) {
    return undefined;
  }
  const { assignedAt, annotator } = stated;
  const label = classOfLabel(stated.label);
  return { extractor, task, imageId, label, assignedAt, annotator, group: kept.group, vector };
}

/** Nothing is predicted here. */
const nobody = createPredictor({
  serving: { get: () => undefined, tasks: () => new Map<string, never>().keys() },
  extractors: [],
  declaredTasks: [],
});

/** Extractors of the user's own are not in the table: their vectors are as their schema says. */
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
