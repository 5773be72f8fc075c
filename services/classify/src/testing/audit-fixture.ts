/**
 * An installation on the log in memory whose extract and join run step by step, so that a test decides what
 * is processed and which outputs a broker loses. The join is the real one; like a service, it assumes that
 * all its outputs were written.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createFolderBlobStore } from '@headwater/blobs';
import { HeadwaterError } from '@headwater/errors';
import {
  createMemoryLog,
  createNames,
  type DeadLetter,
  deadLetterRecord,
  type Log,
  type LogRecord,
  type OutgoingRecord,
  sourceOf,
  topicSpecs,
} from '@headwater/log';
import {
  createFingerprintIds,
  type HeadActivated,
  type ImageClassified,
  openCodec,
  openVectorCodec,
  type SchemaIds,
} from '@headwater/schemas';
import { createLogger, loadConfig } from '@headwater/service-kit';
import { classifyEnvironment } from '../environment.ts';
import { openJoinCodecs } from '../join/join-codecs.ts';
import { PartitionJoin } from '../join/partition-join.ts';
import { type AuditReport, audit } from '../offline/audit/audit.ts';
import type { AuditOptions } from '../offline/audit/options.ts';
import type { Predictor } from '../predict/predictor.ts';
import { Draft } from '../store/state.ts';
import { contractOf, refOf, vectorOf } from './classify-fixture.ts';
import { InMemoryState } from './in-memory-state.ts';

const tasks = ['digit'];
/** Task that is predicted only while a head serves it. */
const learnedTask = 'colour';

export interface SentImage {
  readonly seed: number;
  readonly labels?: Readonly<Record<string, string>>;
  /** Extraction fails. */
  readonly isBad?: boolean;
}

/** Selects the outputs that are lost although their producer got an acknowledgement. */
export type Loses = (output: OutgoingRecord) => boolean;
const losesNothing: Loses = () => false;

interface JoinPartition {
  readonly join: PartitionJoin;
  readonly state: InMemoryState;
}

export class AuditFixture {
  readonly names = createNames();
  readonly partitions: number;
  readonly extractors: readonly string[];
  readonly log = createMemoryLog();
  readonly #folder = mkdtempSync(join(tmpdir(), 'headwater-audit-'));
  readonly #ids: SchemaIds = createFingerprintIds();
  readonly #joins: JoinPartition[] = [];
  /** The extractor that serves digits. */
  #asked: string;
  /** Committed offsets by group, topic and partition. */
  #committed = new Map<string, bigint>();
  #serving: number | undefined;
  #clock = 1_700_000_000_000;

  static async open(partitions = 2, extractors: readonly string[] = ['eight.v1']): Promise<AuditFixture> {
    const installation = new AuditFixture(partitions, extractors);
    await installation.#open();
    return installation;
  }

  private constructor(partitions: number, extractors: readonly string[]) {
    this.partitions = partitions;
    this.extractors = extractors;
    this.#asked = extractors[0] ?? '';
  }

  /** The vectors topic of the first extractor. */
  get vectors(): string {
    return this.names.topics.vectors(this.extractors[0] ?? '');
  }

  /** Returns a new time. */
  tick(): number {
    return this.#clock++;
  }

  async sendImage(
    imageId: string,
    image: SentImage | null,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<void> {
    const value = image === null ? null : Buffer.from(JSON.stringify(image));
    const { images: topic } = this.names.topics;
    await this.#append([{ topic, key: imageId, value, headers, timestamp: this.tick() }]);
  }

  async sendLabel(imageId: string, label: string | null): Promise<void> {
    const topic = this.names.topics.labels;
    const codec = await openCodec(this.#ids, 'LabelAssigned', topic);
    const assignedAt = this.tick();
    const value = codec.encode({ imageId, task: 'digit', label, assignedAt, annotator: 'ann' });
    await this.#append([{ topic, key: imageId, value, timestamp: assignedAt }]);
  }

  /** Makes a head of this extractor serve digits. */
  async ask(extractor: string): Promise<void> {
    this.#asked = extractor;
    await this.#activate('digit', extractor, 1);
  }

  /** Makes a version of a head serve the learned task; undefined: none. */
  async serve(version: number | undefined): Promise<void> {
    this.#serving = version;
    await this.#activate(learnedTask, this.extractors[0] ?? '', version);
  }

  async #activate(task: string, extractor: string, version: number | undefined): Promise<void> {
    const topic = this.names.topics.serving;
    const codec = await openCodec(this.#ids, 'HeadActivated', topic);
    const head = { extractor, kind: 'lda', version: version ?? 0 } as const;
    const activated: HeadActivated = { task, ...head, reason: 'champion', activatedAt: this.tick() };
    const value = version === undefined ? null : codec.encode(activated);
    await this.#append([{ topic, key: task, value }]);
  }

  /** Processes at most this number of records of each partition of `images`. */
  async extract(atMost = Number.POSITIVE_INFINITY, loses: Loses = losesNothing): Promise<void> {
    for (const extractor of this.extractors) {
      for (let partition = 0; partition < this.partitions; partition++) {
        await this.#extractPartition(extractor, partition, atMost, loses);
      }
    }
  }

  async #extractPartition(extractor: string, partition: number, atMost: number, loses: Loses): Promise<void> {
    const group = this.names.groups.extract(extractor);
    for (const record of await this.#next(group, this.names.topics.images, partition, atMost)) {
      const outputs = await this.#extractOne(extractor, record);
      await this.#append(outputs.filter((output) => !loses(output)));
      this.#commit(group, record);
    }
  }

  /** Processes at most this number of records of each partition of labels, then of vectors. */
  async join(atMost = Number.POSITIVE_INFINITY, loses: Loses = losesNothing): Promise<void> {
    const group = this.names.groups.join;
    const { topics } = this.names;
    for (const topic of [topics.labels, ...this.extractors.map((extractor) => topics.vectors(extractor))]) {
      for (const [partition, { join, state }] of this.#joins.entries()) {
        for (const record of await this.#next(group, topic, partition, atMost)) {
          const draft = new Draft(state);
          const { records } = await join.handle(record, draft, record.timestamp);
          state.commit((own) => own.absorb(draft));
          await this.#append(records.filter((output) => !loses(output)));
          this.#commit(group, record);
        }
      }
    }
  }

  /** Processes everything, repeatedly, since the join also writes labels. */
  async settle(losesInExtract: Loses = losesNothing, losesInJoin: Loses = losesNothing): Promise<void> {
    await this.extract(undefined, losesInExtract);
    for (let round = 0; round < 3; round++) await this.join(undefined, losesInJoin);
  }

  /** The committed offsets, so that an audit can use earlier ones. */
  commits(): ReadonlyMap<string, bigint> {
    return new Map(this.#committed);
  }

  async audit(
    options: Partial<AuditOptions> & {
      /** Members of each group. */
      readonly members?: number;
      readonly log?: Partial<Log>;
      readonly commits?: ReadonlyMap<string, bigint>;
    } = {},
  ): Promise<AuditReport> {
    const { log, commits, members = 0, ...given } = options;
    return audit({
      clients: {
        log: { ...this.#watched(commits ?? this.#committed, members), ...log } as Log,
        names: this.names,
        schemaIds: this.#ids,
        blobs: createFolderBlobStore({ root: join(this.#folder, 'blobs') }),
        logger: createLogger({ name: 'audit', level: 'fatal' }),
      },
      config: loadConfig(classifyEnvironment, {
        EXTRACTORS: this.extractors.join(),
        TASKS: tasks.join(),
        DATA_DIR: this.#folder,
      }),
      listed: 20,
      settleMs: 0,
      ...given,
    });
  }

  /** Extraction for repairs. */
  get reprocess(): NonNullable<AuditOptions['repair']> {
    return {
      openExtractor: async (extractor) => ({
        process: async (records) => {
          const made = await Promise.all(records.map((record) => this.#extractPlain(extractor, record)));
          return {
            records: made.flatMap(({ output }) => (output === undefined ? [] : [output])),
            deadLetters: made.flatMap(({ letter }) => (letter === undefined ? [] : [letter])),
          };
        },
        close: async () => undefined,
      }),
    };
  }

  async records(topic: string): Promise<LogRecord[]> {
    const records: LogRecord[] = [];
    for (let partition = 0; partition < ((await this.log.admin.partitions(topic)) ?? 0); partition++) {
      for await (const chunk of this.log.read({ topic, partition })) records.push(...chunk);
    }
    return records;
  }

  /** In the order in which they were written, partition by partition. */
  async predictions() {
    const codec = await this.#predictionCodec();
    const records = await this.records(this.names.topics.predictions);
    return Promise.all(
      records.map(async (record) => {
        const { task, head } = await codec.decode(record.value ?? Buffer.alloc(0));
        return { task, version: head?.version, source: sourceOf(record) };
      }),
    );
  }

  async taskOf(prediction: OutgoingRecord): Promise<string> {
    const codec = await this.#predictionCodec();
    return (await codec.decode(prediction.value ?? Buffer.alloc(0))).task;
  }

  /** Time of an example's label; infinite for a tombstone. */
  async assignedAtOf({ value }: OutgoingRecord): Promise<number> {
    const codec = await openCodec(this.#ids, 'Example', this.names.topics.examples);
    return value === null ? Number.POSITIVE_INFINITY : (await codec.decode(value)).assignedAt;
  }

  /** Version of the head that serves the learned task; undefined for none. */
  get serving(): number | undefined {
    return this.#serving;
  }

  #predictionCodec() {
    return openCodec(this.#ids, 'ImageClassified', this.names.topics.predictions);
  }

  /** The newest labelled examples by key, as text. */
  async examples(): Promise<Map<string, string>> {
    const codec = await openCodec(this.#ids, 'Example', this.names.topics.examples);
    const table = new Map<string, string>();
    for (const { key, value } of await this.records(this.names.topics.examples)) {
      const example = value === null ? null : await codec.decode(value);
      if (example === null || example.label === null) table.delete(String(key));
      else table.set(String(key), JSON.stringify({ ...example, vector: [...example.vector] }));
    }
    return table;
  }

  async close(): Promise<void> {
    await this.log.close();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async #open(): Promise<void> {
    const { partitions, names } = this;
    await this.log.admin.ensureTopics(topicSpecs(names, { extractors: this.extractors, partitions }), {
      create: true,
    });
    const { labels, examples, predictions } = names.topics;
    const codecs = await openJoinCodecs(this.#ids, names);
    for (let partition = 0; partition < partitions; partition++) {
      const partitionJoin = new PartitionJoin({
        partition,
        group: names.groups.join,
        topics: {
          labels,
          refusedLabels: names.topics.deadLetters(labels),
          examples,
          predictions,
          vectors: new Map(this.extractors.map((one) => [names.topics.vectors(one), one])),
        },
        codecs,
        partitions: { inputs: partitions, examples: partitions },
        limits: { maxTasks: 100, maxClasses: 1_000 },
        maxFutureMs: 300_000,
        declaredTasks: tasks,
        predict: this.#predictor(),
        dimensions: () => undefined,
      });
      this.#joins.push({ join: partitionJoin, state: new InMemoryState() });
    }
  }

  #predictor(): Predictor {
    return {
      tasks: () => [...tasks, ...(this.#serving === undefined ? [] : [learnedTask])],
      asked: (task) => (task === learnedTask ? this.extractors[0] : this.#asked),
      answer: ({ imageId, extractor, receivedAt }, task, now): ImageClassified => {
        const version = task === learnedTask ? this.#serving : undefined;
        const head = version === undefined ? null : { kind: 'lda' as const, version, digest: '00' };
        const nothing = { label: null, abstained: false, probabilities: {}, novelty: null };
        return { ...nothing, imageId, task, extractor, head, receivedAt, predictedAt: now };
      },
    };
  }

  async #extractOne(extractor: string, record: LogRecord): Promise<OutgoingRecord[]> {
    const { output, letter } = await this.#extractPlain(extractor, record);
    if (output !== undefined) return [output];
    if (letter === undefined) return [];
    const topic = this.names.topics.deadLetters(this.names.topics.images);
    return [deadLetterRecord(letter, topic, this.names.groups.extract(extractor))];
  }

  async #extractPlain(
    extractor: string,
    record: LogRecord,
  ): Promise<{ output?: OutgoingRecord; letter?: DeadLetter }> {
    const imageId = String(record.key);
    // The time of the source record, so that later outputs are not judged as late.
    const topic = this.names.topics.vectors(extractor);
    const common = { topic, key: imageId, cause: record, timestamp: record.timestamp };
    if (record.value === null) return { output: { ...common, value: null } };
    const image = JSON.parse(record.value.toString()) as SentImage;
    if (image.isBad === true) {
      const error = new HeadwaterError('image-unreadable', 'a bad image');
      return { letter: { record, stage: 'decode', error } };
    }
    const codec = await openVectorCodec(this.#ids, contractOf(extractor), topic);
    const value = codec.encode({
      imageId,
      extractor: refOf(extractor),
      vector: Float32Array.from(vectorOf(image.seed % 3, image.seed)),
      labels: image.labels ?? {},
      group: image.seed % 5 === 0 ? 'a scene' : null,
      source: 'a camera',
      receivedAt: record.timestamp,
      extractedAt: record.timestamp,
    });
    return { output: { ...common, value } };
  }

  async #next(group: string, topic: string, partition: number, atMost: number): Promise<LogRecord[]> {
    const records: LogRecord[] = [];
    const from = this.#committed.get(`${group}/${topic}/${partition}`) ?? 0n;
    for await (const chunk of this.log.read({ topic, partition, from })) records.push(...chunk);
    return records.slice(0, atMost);
  }

  #commit(group: string, { topic, partition, offset }: LogRecord): void {
    this.#committed.set(`${group}/${topic}/${partition}`, offset + 1n);
  }

  async #append(records: readonly OutgoingRecord[]): Promise<void> {
    const producer = await this.log.openProducer();
    await producer.send(records);
  }

  /** The log with the given committed offsets. */
  #watched(commits: ReadonlyMap<string, bigint>, members: number): Log {
    const { log } = this;
    const admin = {
      partitions: (topic: string) => log.admin.partitions(topic),
      offsets: (topic: string) => log.admin.offsets(topic),
      describeGroup: async () => ({ members: Array.from({ length: members }) }),
      committed: async (group: string, topic: string) => {
        const partitions = (await log.admin.partitions(topic)) ?? 0;
        return Array.from({ length: partitions }, (_, at) => commits.get(`${group}/${topic}/${at}`));
      },
    };
    return {
      kind: 'memory',
      admin,
      read: (options: Parameters<Log['read']>[0]) => log.read(options),
      openTransactions: (id: string) => log.openTransactions(id),
    } as unknown as Log;
  }
}
