/** A running ingest service on an in-memory log; the test writes the records of the other services. */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createFolderBlobStore } from '@headwater/blobs';
import { createMemoryLog, createNames, type Log, type LogRecord, type OutgoingRecord } from '@headwater/log';
import { createFingerprintIds, type ImageClassified, openCodec } from '@headwater/schemas';
import {
  createHealth,
  createLogger,
  createMetrics,
  loadConfig,
  type ServiceDependencies,
} from '@headwater/service-kit';
import { eventually as poll } from '@headwater/testing/eventually';
import { ingestEnvironment } from '../environment.ts';
import { startIngest } from '../service.ts';

export interface IngestFixture extends AsyncDisposable {
  readonly url: string;
  readonly dependencies: ServiceDependencies;
  readonly stop: () => Promise<void>;
  /** All records of a topic, in the order of their offsets within each partition. */
  read(topic: string): Promise<LogRecord[]>;
  write(...records: OutgoingRecord[]): Promise<void>;
  /** Publishes a prediction, in place of classify. */
  predict(
    prediction: Partial<ImageClassified> & Pick<ImageClassified, 'imageId' | 'receivedAt'>,
  ): Promise<void>;
}

export interface IngestFixtureOptions {
  readonly environment?: Readonly<Record<string, string>>;
  /** Wraps the log, to break it. */
  readonly wrap?: (log: Log) => Log;
}

export async function startIngestFixture({
  environment = {},
  wrap,
}: IngestFixtureOptions = {}): Promise<IngestFixture> {
  const memory = createMemoryLog();
  const log = wrap ? wrap(memory) : memory;
  const root = await mkdtemp(join(tmpdir(), 'headwater-ingest-'));
  const names = createNames();
  const dependencies: ServiceDependencies = {
    log,
    names,
    schemaIds: createFingerprintIds(),
    blobs: createFolderBlobStore({ root }),
    logger: createLogger({ name: 'test', level: 'fatal' }),
    metrics: createMetrics({ processDefaults: false }),
    health: createHealth(),
  };
  const config = loadConfig(ingestEnvironment, { HTTP_HOST: '127.0.0.1', HTTP_PORT: '0', ...environment });
  const service = await startIngest(config, dependencies);
  const codec = await openCodec(dependencies.schemaIds, 'ImageClassified', names.topics.predictions);
  const producer = await memory.openProducer();
  const stop = async () => {
    await service.stop();
    await service.stopped;
    await rm(root, { recursive: true, force: true });
  };
  return {
    url: service.url ?? '',
    dependencies,
    stop,
    [Symbol.asyncDispose]: stop,
    read: (topic) => readAll(memory, topic),
    write: (...records) => producer.send(records),
    predict: (prediction) => {
      const value: ImageClassified = {
        task: 'digit',
        extractor: 'lenet-digits.v1',
        head: null,
        label: null,
        abstained: false,
        probabilities: {},
        novelty: null,
        predictedAt: Date.now(),
        ...prediction,
      };
      return producer.send([
        { topic: names.topics.predictions, key: prediction.imageId, value: codec.encode(value) },
      ]);
    },
  };
}

async function readAll(log: Log, topic: string): Promise<LogRecord[]> {
  const records: LogRecord[] = [];
  const partitions = (await log.admin.partitions(topic)) ?? 0;
  for (let partition = 0; partition < partitions; partition += 1) {
    for await (const chunk of log.read({ topic, partition })) records.push(...chunk);
  }
  return records;
}

/** `eventually` with the time limit of these tests. */
export function eventually<T>(probe: () => T | undefined | Promise<T | undefined>): Promise<T> {
  return poll(probe, 10_000);
}
