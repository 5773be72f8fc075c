/** Creates the lost records of findings, with the code of the services. */
import { HeadwaterError } from '@headwater/errors';
import {
  deadLetterRecord,
  type LogRecord,
  type OutgoingRecord,
  partitionFor,
  type RecordPlace,
  sourceHeadersOf,
  traceHeadersOf,
} from '@headwater/log';
import { type Codec, compositeKey, type Example, type ImageClassified, openCodec } from '@headwater/schemas';
import { openConfiguredFiles } from '../../configured-files.ts';
import type { HeadCatalog } from '../../model-registry/head-catalog.ts';
import { ServingHeads } from '../../model-registry/serving-heads.ts';
import { createPredictor, type Predictor } from '../../predict/predictor.ts';
import type { Judgement } from './judgement.ts';
import type { AuditOptions, Reprocessor } from './options.ts';
import type { Suspect } from './suspect.ts';
import type { Kept } from './suspects.ts';
import { vectorRecord } from './tables/image-records.ts';
import { repairedHeader } from './tables/prediction-table.ts';
import type { AuditTables } from './tables/tables.ts';

export interface RepairRecordsOptions extends AuditOptions {
  readonly repair: NonNullable<AuditOptions['repair']>;
  readonly catalog: HeadCatalog;
  readonly tables: AuditTables;
}

type Of<K extends Suspect['of']> = Extract<Suspect, { readonly of: K }>;

interface Parts {
  readonly serving: ServingHeads;
  readonly predictor: Predictor;
  readonly examples: Codec<Example>;
  readonly predictions: Codec<ImageClassified>;
  /** Number of partitions of `examples`. */
  readonly partitions: number;
}

export class RepairRecordFactory {
  readonly #options: RepairRecordsOptions;
  readonly #parts: Parts;
  /** One at a time, since an engine may need all memory. */
  #extractor: { readonly id: string; readonly opened: Promise<Reprocessor> } | undefined;

  /** Errors: config-invalid (COSTS_FILE and the like), topic-missing, log-unavailable. */
  static async open(options: RepairRecordsOptions): Promise<RepairRecordFactory> {
    const { clients, config, catalog } = options;
    const { topics } = clients.names;
    const { rules } = await openConfiguredFiles(config);
    const { table, codecs } = catalog;
    const serving = new ServingHeads({ ...clients, table, headsTopic: topics.heads, codec: codecs.heads });
    await serving.refresh(table.activeTasks());
    const { EXTRACTORS: extractors, TASKS: declaredTasks } = config;
    return new RepairRecordFactory(options, {
      serving,
      predictor: createPredictor({ serving, rules, extractors, declaredTasks }),
      examples: await openCodec(clients.schemaIds, 'Example', topics.examples),
      predictions: await openCodec(clients.schemaIds, 'ImageClassified', topics.predictions),
      partitions: (await clients.log.admin.partitions(topics.examples)) ?? 1,
    });
  }

  private constructor(options: RepairRecordsOptions, parts: Parts) {
    this.#options = options;
    this.#parts = parts;
  }

  /**
   * Empty where nothing can be created, as for an expired source record. Errors: head-not-ready, and those of
   * the extractor.
   */
  async of(
    { suspect, judgement }: Pick<Kept, 'suspect' | 'judgement'>,
    signal: AbortSignal,
  ): Promise<OutgoingRecord[]> {
    if (suspect.of === 'image') return this.#vector(suspect, judgement, signal);
    if (suspect.of === 'prediction') return this.#prediction(suspect);
    return [this.#example(suspect)];
  }

  async close(): Promise<void> {
    const opened = await this.#extractor?.opened.catch(() => undefined);
    this.#extractor = undefined;
    await opened?.close();
  }

  /**
   * A vector, a tombstone, or a dead letter; a dead letter that may have been dropped is not written again.
   */
  async #vector(
    { extractor, image }: Of<'image'>,
    { undecided }: Judgement,
    signal: AbortSignal,
  ): Promise<OutgoingRecord[]> {
    const { names } = this.#options.clients;
    const record = await this.#read({ topic: names.topics.images, ...image });
    if (record === undefined) return [];
    const { records, deadLetters } = await (await this.#open(extractor)).process([record], signal);
    const trace = traceHeadersOf(record.headers);
    const vectors = records.map((one) => ({ ...one, headers: { ...one.headers, ...trace } }));
    if (undecided === true) return vectors;
    const topic = names.topics.deadLetters(names.topics.images);
    const group = names.groups.extract(extractor);
    return [...vectors, ...deadLetters.map((letter) => deadLetterRecord(letter, topic, group))];
  }

  async #open(id: string): Promise<Reprocessor> {
    if (this.#extractor?.id !== id) {
      await this.close();
      this.#extractor = { id, opened: this.#options.repair.openExtractor(id) };
    }
    return this.#extractor.opened;
  }

  /** Uses the head that serves now: the former one is unknown. */
  async #prediction({ extractor, vector }: Of<'prediction'>): Promise<OutgoingRecord[]> {
    const { clients, tables } = this.#options;
    const { predictor, predictions } = this.#parts;
    const { task, partition, offset } = vector;
    const place = { topic: clients.names.topics.vectors(extractor), partition, offset };
    const record = await this.#read(place);
    const incoming = record === undefined ? undefined : await tables.join.incoming(record);
    if (record === undefined || incoming === undefined) return [];
    this.#requireOpen(task);
    const asked = predictor.asked(task) ?? extractor;
    const { imageId, receivedAt } = incoming.record;
    const numbers = asked === extractor ? incoming.numbers : tables.join.vector(imageId, asked);
    if (numbers === undefined) return [];
    const answer = predictor.answer({ imageId, extractor: asked, numbers, receivedAt }, task, Date.now());
    const headers = {
      ...sourceHeadersOf(place),
      ...traceHeadersOf(record.headers),
      [repairedHeader]: '1',
    };
    return [
      { topic: clients.names.topics.predictions, key: imageId, value: predictions.encode(answer), headers },
    ];
  }

  /** A prediction without a head would be final. */
  #requireOpen(task: string): void {
    if (this.#options.catalog.activation(task) === undefined || this.#parts.serving.get(task) !== undefined)
      return;
    throw new HeadwaterError(
      'head-not-ready',
      `the head that serves ${task} cannot be opened; see the log, and check BLOB_STORE`,
      { verdict: 'stop' },
    );
  }

  #example({ extractor, task, imageId }: Of<'example'>): OutgoingRecord {
    const { clients, tables } = this.#options;
    const { examples, partitions } = this.#parts;
    const { topics } = clients.names;
    const example = tables.join.example(tables.join.image(imageId), extractor, task);
    const vector = vectorRecord(tables.store, extractor, imageId);
    const source = vector === undefined ? undefined : { ...vector, topic: topics.vectors(extractor) };
    return {
      topic: topics.examples,
      partition: partitionFor(task, partitions),
      key: compositeKey(extractor, task, imageId),
      value: example === undefined ? null : examples.encode(example),
      headers: source === undefined ? {} : sourceHeadersOf(source),
    };
  }

  async #read({ topic, partition, offset }: RecordPlace): Promise<LogRecord | undefined> {
    const { log } = this.#options.clients;
    for await (const records of log.read({ topic, partition, from: offset, to: offset + 1n })) {
      const found = records.find((record) => record.offset === offset);
      if (found !== undefined) return found;
    }
    return undefined;
  }
}
