/** All data of an audit in one store on disk: memory does not grow with the number of images. */
import { asDeadLetter, HeadwaterError } from '@headwater/errors';
import { type LogRecord, partitionFor, sourceOf } from '@headwater/log';
import { type Codec, type Example, type ImageClassified, openCodec } from '@headwater/schemas';
import type { PartitionJoin } from '../../../join/partition-join.ts';
import type { IncomingVector } from '../../../join/state/join-state.ts';
import type { PartitionStore } from '../../../store/partition-store.ts';
import { Draft } from '../../../store/state.ts';
import { RebuiltJoin } from '../../rebuild/rebuilt-join.ts';
import { openTemporaryStore, type TemporaryStore } from '../../temporary-store.ts';
import type { CommittedSnapshot } from '../committed-snapshot.ts';
import type { AuditOptions } from '../options.ts';
import { isDeadLetter, putDeadLetter } from './dead-letter-table.ts';
import { putExample } from './example-table.ts';
import { type ImageRecord, markMoving, putImageRecord, putVectorRecord } from './image-records.ts';
import { decodeJsonEntry, encodeJsonEntry } from './plain.ts';
import { answeredAt, PredictionTable } from './prediction-table.ts';
import { TopicCursor } from './topic-cursor.ts';

/** A vector without a prediction of a task that was predicted in its partition before. */
export interface VectorWithoutPrediction {
  readonly extractor: string;
  readonly partition: number;
  readonly offset: bigint;
  readonly task: string;
  readonly imageId: string;
  /** `receivedAt` of the vector. */
  readonly receivedAt: number;
}

export interface TablesOptions extends AuditOptions {
  readonly cut: CommittedSnapshot;
  readonly folder: string;
  readonly extractors: readonly string[];
}

interface Codecs {
  readonly examples: Codec<Example>;
  readonly predictions: Codec<ImageClassified>;
}

export class AuditTables {
  readonly predictions = new PredictionTable();
  readonly #options: TablesOptions;
  readonly #temporary: TemporaryStore;
  readonly #codecs: Codecs;
  readonly #letters: readonly TopicCursor[];
  readonly #outputs: readonly TopicCursor[];
  readonly #tails: readonly TopicCursor[];
  /** Time of the oldest remaining dead letter of `images`, by partition. */
  readonly #firstDeadLetters = new Map<number, number>();
  #join: RebuiltJoin | undefined;
  #counts = { images: 0, vectors: 0 };

  /** Errors: topic-missing, topic-mismatch, log-unavailable, store-unavailable, and the signal's reason. */
  static async load(options: TablesOptions): Promise<AuditTables> {
    const { schemaIds, names } = options.clients;
    const codecs = {
      examples: await openCodec(schemaIds, 'Example', names.topics.examples),
      predictions: await openCodec(schemaIds, 'ImageClassified', names.topics.predictions),
    };
    const tables = new AuditTables(options, codecs, await openTemporaryStore(options.folder));
    try {
      await tables.#load();
      return tables;
    } catch (error) {
      await tables.close();
      throw error;
    }
  }

  private constructor(options: TablesOptions, codecs: Codecs, temporary: TemporaryStore) {
    this.#options = options;
    this.#codecs = codecs;
    this.#temporary = temporary;
    const { topics } = options.clients.names;
    const vectors = options.extractors.map((extractor) => topics.vectors(extractor));
    const failed = [topics.images, topics.labels, ...vectors];
    this.#letters = failed.map((topic) =>
      this.#cursor(topics.deadLetters(topic), (record, draft) =>
        this.#putDeadLetterEntry(topic, record, draft),
      ),
    );
    this.#outputs = [
      this.#cursor(topics.predictions, (record, draft) => this.#putPrediction(record, draft)),
      this.#cursor(topics.examples, (record, draft) => putExample(draft, record, this.#codecs.examples)),
    ];
    this.#tails = [topics.labels, ...vectors].map((topic) => this.#tail(topic));
  }

  get store(): PartitionStore {
    return this.#temporary.store;
  }

  /** The join's state at the cut. */
  get join(): RebuiltJoin {
    if (this.#join !== undefined) return this.#join;
    throw new HeadwaterError('store-unavailable', 'the audit has not read labels and vectors yet');
  }

  /** Number of records before the cut. */
  get counts(): { readonly images: number; readonly vectors: number } {
    return this.#counts;
  }

  /**
   * Whether a dead letter of this record may have been dropped or have expired: older ones of its partition
   * are gone.
   */
  mayHaveLostDeadLetter({ imageId, timestamp }: ImageRecord): boolean {
    const ranges = this.#letters[0]?.ranges ?? [];
    const own = imageId === null ? undefined : partitionFor(imageId, Math.max(1, ranges.length));
    return ranges.some(({ low }, partition) => {
      const isOwn = own === undefined || own === partition;
      return (
        isOwn && low > 0n && timestamp <= (this.#firstDeadLetters.get(partition) ?? Number.POSITIVE_INFINITY)
      );
    });
  }

  /** The partition of `labels` and vectors. */
  partitionOf(imageId: string): number {
    return partitionFor(imageId, this.join.partitions);
  }

  /** Whether labels of this image may have expired: its expected examples are then unknown. */
  haveLabelsExpired(imageId: string): boolean {
    const ranges = this.#tails[0]?.ranges ?? [];
    return ranges.length > 0 && (ranges[partitionFor(imageId, ranges.length)]?.low ?? 0n) > 0n;
  }

  /** Whether vectors of this image may have been deleted by age or by hand, unlike by compaction. */
  haveVectorsExpired(extractor: string, imageId: string): boolean {
    const ranges = this.#tails[1 + this.#options.extractors.indexOf(extractor)]?.ranges ?? [];
    return ranges.length > 0 && (ranges[partitionFor(imageId, ranges.length)]?.low ?? 0n) > 0n;
  }

  /** Reads new records. An output is read before its source, in this order of topics. */
  async refresh(): Promise<void> {
    for (const cursor of [...this.#letters, ...this.#outputs, ...this.#tails]) await cursor.advance();
  }

  *unanswered(): Generator<VectorWithoutPrediction> {
    for (const { value } of this.store.range(unansweredPrefix))
      yield decodeJsonEntry<VectorWithoutPrediction>(value);
  }

  async close(): Promise<void> {
    await this.#join?.close();
    await this.#temporary.discard();
  }

  async #load(): Promise<void> {
    const { clients, cut, extractors, config, folder, signal, progress } = this.#options;
    const [first = '', ...others] = extractors;
    for (const cursor of [...this.#letters, ...this.#outputs]) await cursor.advance();
    const images = this.#cursor(
      clients.names.topics.images,
      (record, draft) => this.#putImage(record, draft),
      {
        until: (partition) => cut.anyExtracted(partition),
      },
    );
    await images.advance();
    this.#join = await RebuiltJoin.load({
      ...clients,
      config,
      extractor: first,
      others,
      folder,
      until: (topic, partition) => cut.joined(topic, partition),
      take: (records, partition) => this.#takeJoined(records, partition),
      signal,
      progress,
    });
    for (const tail of this.#tails) await tail.advance();
  }

  #cursor(
    topic: string,
    apply: (record: LogRecord, draft: Draft) => Promise<void> | void,
    range: {
      readonly until?: (partition: number) => bigint;
      readonly from?: (partition: number) => bigint;
    } = {},
  ): TopicCursor {
    const { clients, signal, progress } = this.#options;
    return new TopicCursor({ log: clients.log, topic, store: this.store, apply, ...range, signal, progress });
  }

  /** Reads labels or vectors behind the cut. */
  #tail(topic: string): TopicCursor {
    const apply = (record: LogRecord, draft: Draft) => {
      markMoving(draft, record);
      const extractor = this.#extractorOf(topic);
      if (extractor !== undefined) putVectorRecord(draft, extractor, record);
    };
    return this.#cursor(topic, apply, {
      from: (partition) => this.#options.cut.joined(topic, partition),
    });
  }

  #extractorOf(topic: string): string | undefined {
    const { extractors, clients } = this.#options;
    return extractors.find((extractor) => clients.names.topics.vectors(extractor) === topic);
  }

  #putDeadLetterEntry(failed: string, record: LogRecord, draft: Draft): void {
    const { topics } = this.#options.clients.names;
    const { partition, timestamp } = record;
    if (failed === topics.images && !this.#firstDeadLetters.has(partition)) {
      this.#firstDeadLetters.set(partition, timestamp);
    }
    putDeadLetter(draft, record);
  }

  #putImage(record: LogRecord, draft: Draft): void {
    this.#counts.images++;
    putImageRecord(draft, record);
  }

  async #putPrediction(record: LogRecord, draft: Draft): Promise<void> {
    const source = sourceOf(record);
    const extractor = source === null ? undefined : this.#extractorOf(source.topic);
    if (source === null || extractor === undefined || record.value === null) return;
    const prediction = await this.#codecs.predictions.decode(record.value);
    this.predictions.put(draft, record, { source, extractor, prediction });
  }

  /** Stores the vectors, and returns the records that the join accepted. */
  async #takeJoined(records: readonly LogRecord[], partition: Reader): Promise<readonly LogRecord[]> {
    const draft = new Draft(this.store);
    const group = this.#options.clients.names.groups.join;
    const taken = records.filter((record) => !isDeadLetter(this.store, group, record));
    for (const record of records) this.#noteVector(record, draft);
    for (const record of taken) await this.#noteUnanswered(record, partition, draft);
    if (draft.changes.size > 0) await this.store.write(draft.changes, new Map());
    return taken;
  }

  #noteVector(record: LogRecord, draft: Draft): void {
    const extractor = this.#extractorOf(record.topic);
    if (extractor === undefined) return;
    this.#counts.vectors++;
    putVectorRecord(draft, extractor, record);
  }

  async #noteUnanswered(record: LogRecord, reader: Reader, draft: Draft): Promise<void> {
    const extractor = this.#extractorOf(record.topic);
    if (extractor === undefined || record.value === null) return;
    const { topic, partition, offset } = record;
    for (const task of this.predictions.expectedBefore(record)) {
      if (answeredAt(this.store, record, task) !== undefined) continue;
      const vector = await readSound(record, reader);
      if (vector === undefined) return;
      const { imageId, receivedAt } = vector.record;
      const unanswered: VectorWithoutPrediction = { extractor, partition, offset, task, imageId, receivedAt };
      const place = `${encodeURIComponent(topic)}/${partition}/${offset}`;
      draft.put(`${unansweredPrefix}${place}/${encodeURIComponent(task)}`, encodeJsonEntry(unanswered));
    }
  }
}

type Reader = Pick<PartitionJoin, 'incoming'>;

const unansweredPrefix = 'unanswered/';

/** A record that the join rejects requires no output, also where its dead letter has expired. */
async function readSound(record: LogRecord, partition: Reader): Promise<IncomingVector | undefined> {
  try {
    return await partition.incoming(record);
  } catch (error) {
    asDeadLetter(error);
    return undefined;
  }
}
