/** Classify on its own log, with an extractor of eight dimensions that only the tests use. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createFolderBlobStore } from '@headwater/blobs';
import { describeExtractor, extractorIds } from '@headwater/extractors';
import { createNames, type Log, type LogProducer, type LogRecord, type Names } from '@headwater/log';
import {
  type Codec,
  createFingerprintIds,
  type Example,
  type HeadActivated,
  type HeadTrained,
  type ImageClassified,
  type LabelAssigned,
  openCodec,
  openVectorCodec,
  type SchemaIds,
  type VectorContract,
  type VectorExtracted,
} from '@headwater/schemas';
import {
  createHealth,
  createLogger,
  createMetrics,
  loadConfig,
  type Service,
  type ServiceDependencies,
} from '@headwater/service-kit';
import { eventually as poll } from '@headwater/testing/eventually';
import { classifyEnvironment } from '../environment.ts';
import { startClassify } from '../service.ts';

export const dimensions = 8;

/** Start of the tests' calendar, in milliseconds since 1970. */
export const dayOne = 1_700_000_000_000;

/** From the extractor table if it is there, else with eight dimensions. */
export function contractOf(extractor: string): VectorContract {
  if (extractorIds().includes(extractor)) return describeExtractor(extractor).contract;
  return {
    extractor,
    dimensions,
    elementType: 'float32',
    byteOrder: 'little-endian',
    normalization: 'none',
    description: 'Eight numbers, for tests.',
  };
}

export interface ClassifyFixtureOptions {
  readonly log: Log;
  readonly names?: Names;
  readonly extractors?: readonly string[];
  readonly partitions?: number;
}

interface ClassifyFixtureCodecs {
  readonly labels: Codec<LabelAssigned>;
  readonly examples: Codec<Example>;
  readonly heads: Codec<HeadTrained>;
  readonly serving: Codec<HeadActivated>;
  readonly predictions: Codec<ImageClassified>;
  readonly vectors: ReadonlyMap<string, Codec<VectorExtracted>>;
}

export type VectorFields = Partial<Omit<VectorExtracted, 'imageId' | 'vector'>>;

export class ClassifyFixture {
  readonly log: Log;
  readonly names: Names;
  readonly dataDir = mkdtempSync(join(tmpdir(), 'headwater-classify-'));
  readonly extractors: readonly string[];
  readonly codecs: ClassifyFixtureCodecs;
  readonly #partitions: number;
  readonly #ids: SchemaIds;
  readonly #producer: LogProducer;
  readonly #services: Service[] = [];
  /** The log lines of the services. */
  readonly logged: Record<string, unknown>[] = [];

  static async open(options: ClassifyFixtureOptions): Promise<ClassifyFixture> {
    const ids = createFingerprintIds();
    const names = options.names ?? createNames();
    const extractors = options.extractors ?? ['eight.v1'];
    const { topics } = names;
    const vectors = new Map<string, Codec<VectorExtracted>>();
    for (const extractor of extractors) {
      vectors.set(extractor, await openVectorCodec(ids, contractOf(extractor), topics.vectors(extractor)));
    }
    const codecs = {
      labels: await openCodec(ids, 'LabelAssigned', topics.labels),
      examples: await openCodec(ids, 'Example', topics.examples),
      heads: await openCodec(ids, 'HeadTrained', topics.heads),
      serving: await openCodec(ids, 'HeadActivated', topics.serving),
      predictions: await openCodec(ids, 'ImageClassified', topics.predictions),
      vectors,
    };
    const producer = await options.log.openProducer();
    return new ClassifyFixture(options, { names, extractors, codecs, ids, producer });
  }

  private constructor(
    options: ClassifyFixtureOptions,
    parts: {
      readonly names: Names;
      readonly extractors: readonly string[];
      readonly codecs: ClassifyFixtureCodecs;
      readonly ids: SchemaIds;
      readonly producer: LogProducer;
    },
  ) {
    this.log = options.log;
    this.names = parts.names;
    this.extractors = parts.extractors;
    this.codecs = parts.codecs;
    this.#partitions = options.partitions ?? 3;
    this.#ids = parts.ids;
    this.#producer = parts.producer;
  }

  /** Of all services of the fixture. */
  readonly metrics = createMetrics({ processDefaults: false });

  dependencies(): ServiceDependencies {
    return {
      log: this.log,
      schemaIds: this.#ids,
      blobs: createFolderBlobStore({ root: join(this.dataDir, 'blobs') }),
      names: this.names,
      logger: createLogger({ name: 'classify', destination: { write: (line) => this.#keep(line) } }),
      metrics: this.metrics,
      health: createHealth(),
    };
  }

  #keep(line: string): void {
    this.logged.push(JSON.parse(line) as Record<string, unknown>);
  }

  /** How the stores of a role were opened, after the first `from` log lines. */
  outcomes(role: string, from = 0): unknown[] {
    const opened = this.logged
      .slice(from)
      .filter((line) => line.msg === 'partition opened' && line.role === role);
    return opened.map((line) => line.outcome);
  }

  async start(environment: Readonly<Record<string, string>> = {}): Promise<Service> {
    const config = loadConfig(classifyEnvironment, {
      EXTRACTORS: this.extractors.join(),
      TASKS: 'digit',
      DATA_DIR: this.dataDir,
      HTTP_HOST: '127.0.0.1',
      HTTP_PORT: '0',
      PARTITIONS: String(this.#partitions),
      REPLICATION_FACTOR: '1',
      SETTLE_AFTER_MS: '100',
      BATCH_LINGER: '1ms',
      HEADS: 'lda',
      ...environment,
    });
    const service = await startClassify(config, this.dependencies());
    service.stopped.catch(() => undefined);
    this.#services.push(service);
    return service;
  }

  async sendVector(imageId: string, vector: readonly number[], fields: VectorFields = {}): Promise<void> {
    const [first = ''] = this.extractors;
    const extractor = fields.extractor ?? refOf(first);
    const id = `${extractor.name}.${extractor.version}`;
    const record = {
      imageId,
      extractor,
      vector: Float32Array.from(vector),
      labels: {},
      group: null,
      source: 'test',
      receivedAt: dayOne + 1_000,
      extractedAt: dayOne + 1_001,
      ...fields,
    };
    const value = this.codecs.vectors.get(id)?.encode(record) ?? null;
    await this.send(this.names.topics.vectors(id), imageId, value);
  }

  async sendLabel(imageId: string, label: string | null, fields: Partial<LabelAssigned> = {}): Promise<void> {
    const record = { imageId, task: 'digit', label, assignedAt: dayOne + 2_000, annotator: 'ann', ...fields };
    await this.send(this.names.topics.labels, imageId, this.codecs.labels.encode(record));
  }

  async erase(imageId: string, extractor = this.extractors[0] ?? ''): Promise<void> {
    await this.send(this.names.topics.vectors(extractor), imageId, null);
  }

  async send(topic: string, key: string | null, value: Buffer | null, partition?: number): Promise<void> {
    await this.#producer.send([{ topic, key, value, ...(partition === undefined ? {} : { partition }) }]);
  }

  /** All committed records, by partition. */
  async records(topic: string): Promise<LogRecord[]> {
    const records: LogRecord[] = [];
    const partitions = (await this.log.admin.partitions(topic)) ?? 0;
    for (let partition = 0; partition < partitions; partition++) {
      for await (const chunk of this.log.read({ topic, partition })) records.push(...chunk);
    }
    return records;
  }

  async decoded<T>(topic: string, codec: Codec<T>): Promise<T[]> {
    const values = (await this.records(topic)).map(({ value }) => value).filter((value) => value !== null);
    return Promise.all(values.map((value) => codec.decode(value)));
  }

  heads(): Promise<HeadTrained[]> {
    return this.decoded(this.names.topics.heads, this.codecs.heads);
  }

  predictions(): Promise<ImageClassified[]> {
    return this.decoded(this.names.topics.predictions, this.codecs.predictions);
  }

  /**
   * Resolves to the newest `lda` head when it is settled, with this number of examples and everything
   * learned.
   */
  async settled(examples: number, task = 'digit', patienceMs?: number): Promise<HeadTrained> {
    let seen = '';
    const find = async () => {
      const own = (await this.heads()).filter((one) => one.task === task && one.kind === 'lda');
      const head = own.at(-1);
      const ends = await this.log.admin.offsets(this.names.topics.examples);
      seen = `the newest head is ${head?.mode} with ${head?.examples} examples and watermark ${head?.watermark}, of ${ends.map(({ high }) => high)}`;
      const atEnd = ends.some(({ high }) => Number(high) === head?.watermark);
      return head?.mode === 'settled' && head.examples === examples && atEnd ? head : undefined;
    };
    return eventually(find, patienceMs).catch((error: Error) => {
      const warnings = this.logged
        .filter(({ level }) => level !== 'info')
        .map((line) => JSON.stringify(line));
      throw new Error([`not settled with ${examples} examples: ${seen}`, ...warnings].join('\n'), {
        cause: error,
      });
    });
  }

  async api<T>(service: Service, path: string, init?: RequestInit): Promise<{ status: number; body: T }> {
    const answer = await fetch(`${service.url}${path}`, init);
    return { status: answer.status, body: (await answer.json()) as T };
  }

  async deadLetters(topic: string): Promise<string[]> {
    const letters = await this.records(this.names.topics.deadLetters(topic));
    return letters
      .map(({ headers }) => headers['__connect.errors.exception.class.name']?.toString() ?? '')
      .sort();
  }

  async close(): Promise<void> {
    for (const service of this.#services) await service.stop();
    await this.#producer.close();
    rmSync(this.dataDir, { recursive: true, force: true });
  }
}

/** An image of a class: one large entry, and small ones that distinguish images. */
export function vectorOf(kind: number, seed: number): number[] {
  const vector = Array.from({ length: dimensions }, (_, index) => Math.sin(seed * 7.3 + index * 3.1) * 0.2);
  vector[kind] = (vector[kind] ?? 0) + 1;
  return vector;
}

export function refOf(extractor: string): VectorExtracted['extractor'] {
  const dot = extractor.lastIndexOf('.');
  return { name: extractor.slice(0, dot), version: extractor.slice(dot + 1), digest: '00'.repeat(32) };
}

/** `eventually` with the time limit of these tests. */
export function eventually<T>(
  condition: () => Promise<T | undefined | false>,
  timeoutMs = 30_000,
): Promise<T> {
  return poll(condition, timeoutMs);
}
