/** A fixture for tests of extract: sends images to a log, and reads the vectors and dead letters. */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createFolderBlobStore } from '@headwater/blobs';
import { createNames, deadLetterHeaders, type Log, type LogRecord, sourceHeaders } from '@headwater/log';
import {
  createFingerprintIds,
  type ImageReceived,
  openCodec,
  openVectorReader,
  type VectorExtracted,
} from '@headwater/schemas';
import {
  createHealth,
  createLogger,
  createMetrics,
  loadConfig,
  type ServiceDependencies,
} from '@headwater/service-kit';
import { eventually as poll } from '@headwater/testing/eventually';
import sharp from 'sharp';
import { type ExtractConfig, extractEnvironment } from '../environment.ts';

export const extractor = 'lenet-digits.v1';

/** A gray 28 × 28 PNG, another one for every seed. */
export async function digitImage(seed: number): Promise<Buffer> {
  const pixels = Uint8Array.from({ length: 784 }, (_, at) => (at * (seed % 17) + (at % 28) * seed) % 256);
  const image = sharp(pixels, { raw: { width: 28, height: 28, channels: 1 } });
  return await image.toColourspace('b-w').png().toBuffer();
}

export function imageReceived(id: string, content: ImageReceived['content']): ImageReceived {
  return {
    id,
    source: 'a test',
    receivedAt: 1_700_000_000_000,
    mediaType: 'image/png',
    width: 28,
    height: 28,
    content,
    attributes: {},
    labels: { digit: '7' },
    group: 'a group',
  };
}

export interface FoundVector {
  readonly id: string;
  /** null: a tombstone. */
  readonly value: VectorExtracted | null;
  /** The source record, as `topic/partition/offset`. */
  readonly source: string;
}

export interface FoundDeadLetter {
  readonly code: string;
  readonly stage: string;
  readonly offset: string;
  readonly value: Buffer | null;
}

function sourceOf({ headers }: LogRecord): string {
  const { topic, partition, offset } = sourceHeaders;
  return [topic, partition, offset].map((name) => headers[name]).join('/');
}

/** Dependencies of a service on the given log, with unique names; `extractorId` names the vectors' topic. */
export async function openExtractFixture(log: Log, prefix: string, extractorId = extractor) {
  const root = await mkdtemp(join(tmpdir(), 'headwater-extract-'));
  const schemaIds = createFingerprintIds();
  const names = createNames({ topicPrefix: prefix, groupPrefix: prefix });
  const { images, vectors, deadLetters } = names.topics;
  const codec = await openCodec(schemaIds, 'ImageReceived', images);
  const reader = openVectorReader(schemaIds);
  const blobs = createFolderBlobStore({ root });
  const producer = await log.openProducer();

  async function readAll(topic: string): Promise<LogRecord[]> {
    const records: LogRecord[] = [];
    const partitions = (await log.admin.partitions(topic)) ?? 0;
    for (let partition = 0; partition < partitions; partition += 1) {
      for await (const chunk of log.read({ topic, partition })) records.push(...chunk);
    }
    return records;
  }

  return {
    names,
    prefix,
    /** Temporary folder; the blobs are in it. */
    root,
    blobs,
    codec,
    producer,
    /** New dependencies, as of another process. */
    dependencies(): ServiceDependencies {
      const logger = createLogger({ name: 'extract', level: 'fatal' });
      return { log, schemaIds, blobs, names, logger, metrics: createMetrics(), health: createHealth() };
    },
    config(environment: Readonly<Record<string, string>> = {}): ExtractConfig {
      const own = { EXTRACTOR: extractor, ENGINE_THREADS: '1', DATA_DIR: root };
      return loadConfig(extractEnvironment, { ...own, ...environment });
    },
    async send(records: readonly { readonly key: string | null; readonly value: Buffer | null }[]) {
      await producer.send(records.map((record) => ({ topic: images, ...record })));
    },
    async sendImages(ids: readonly string[], seed = 0) {
      const values = await Promise.all(
        ids.map(async (id, index) => codec.encode(imageReceived(id, await digitImage(seed + index)))),
      );
      await this.send(ids.map((key, index) => ({ key, value: values[index] ?? null })));
    },
    imageRecords: () => readAll(images),
    async vectors(): Promise<FoundVector[]> {
      const records = await readAll(vectors(extractorId));
      return await Promise.all(
        records.map(async (record) => ({
          id: String(record.key),
          value: record.value && (await reader.decode(record.value)),
          source: sourceOf(record),
        })),
      );
    },
    async deadLetters(): Promise<FoundDeadLetter[]> {
      const records = await readAll(deadLetters(images));
      return records.map(({ headers, value }) => ({
        code: String(headers[deadLetterHeaders.exceptionClass]),
        stage: String(headers[deadLetterHeaders.stage]),
        offset: String(headers[deadLetterHeaders.offset]),
        value,
      }));
    },
    async close() {
      await producer.close();
      await log.close();
      await rm(root, { recursive: true, force: true });
    },
  };
}

/** Resolves when the condition holds; the time limit is that of the test. */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  await poll(condition, Number.POSITIVE_INFINITY);
}
