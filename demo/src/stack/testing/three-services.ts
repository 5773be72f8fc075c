/** The three services on one log, each with a logger and tracing of its own, as in three processes. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createFolderBlobStore } from '@headwater/blobs';
import { startClassify } from '@headwater/classify';
import { startExtract } from '@headwater/extract';
import { startIngest } from '@headwater/ingest';
import { createMemoryLog, createNames, type Log, type LogRecord, type OutgoingRecord } from '@headwater/log';
import { createFingerprintIds } from '@headwater/schemas';
import {
  createHealth,
  createLogger,
  createMetrics,
  type LogLevel,
  openTracing,
  type Service,
  type ServiceDependencies,
  type Tracing,
  tracingOptionsOf,
} from '@headwater/service-kit';
import { eventually as poll } from '@headwater/testing/eventually';
import { encodePng } from '../../sources/png.ts';
import { readServiceConfigs } from '../services.ts';

export const extractor = 'lenet-digits.v1';
export const task = 'side';

interface LogLine extends Record<string, unknown> {
  readonly name: string;
  readonly level: string;
  readonly msg: string;
}

export interface ThreeServices extends AsyncDisposable {
  readonly ingest: string;
  readonly classify: string;
  readonly names: ReturnType<typeof createNames>;
  /** Of all services, in order. */
  readonly lines: readonly LogLine[];
  /** All records of a topic. */
  records(topic: string): Promise<LogRecord[]>;
  send(...records: OutgoingRecord[]): Promise<void>;
  /** Stops the services, and exports what is left of their traces. */
  stop(): Promise<void>;
}

export interface ThreeServicesOptions {
  readonly environment?: Readonly<Record<string, string>>;
  readonly level?: LogLevel;
  /** Default: a log in memory. */
  readonly log?: Log;
  /** Of topics and groups. */
  readonly prefix?: string;
}

export async function startThreeServices({
  environment = {},
  level = 'debug',
  log = createMemoryLog(),
  prefix = '',
}: ThreeServicesOptions = {}): Promise<ThreeServices> {
  const names = createNames({ topicPrefix: prefix, groupPrefix: prefix, transactionalIdPrefix: prefix });
  const schemaIds = createFingerprintIds();
  const folder = await mkdtemp(join(tmpdir(), 'headwater-three-services-'));
  const configs = await readServiceConfigs(environmentOf(folder, environment), { usualPorts: false });
  const lines: LogLine[] = [];
  const tracings: Tracing[] = [];
  const dependencies = async (name: keyof typeof configs): Promise<ServiceDependencies> => {
    const { LOG_IMAGE_IDS: imageIds, LOG_IMAGE_IDS_KEY: imageIdsKey } = configs[name];
    const destination = { write: (line: string) => lines.push(JSON.parse(line) as LogLine) };
    const logger = createLogger({ name, level, destination, imageIds, imageIdsKey });
    const tracing = await openTracing(configs[name], tracingOptionsOf(configs[name], name, logger));
    if (tracing !== undefined) tracings.push(tracing);
    return {
      log: tracing?.traceLog(log) ?? log,
      names,
      schemaIds,
      blobs: createFolderBlobStore({ root: join(folder, 'blobs') }),
      logger,
      metrics: createMetrics({ processDefaults: false }),
      health: createHealth(),
      tracing,
    };
  };
  const classify = await startClassify(configs.classify, await dependencies('classify'));
  const extract = await startExtract(configs.extract, await dependencies('extract'));
  const ingest = await startIngest(configs.ingest, await dependencies('ingest'));
  const producer = await log.openProducer();
  let isStopped = false;
  const stop = async () => {
    if (isStopped) return;
    isStopped = true;
    for (const service of [ingest, extract, classify] satisfies Service[]) await service.stop();
    for (const tracing of tracings) await tracing.close(10_000);
  };
  return {
    ingest: ingest.url ?? '',
    classify: classify.url ?? '',
    names,
    lines,
    records: (topic) => readAll(log, topic),
    send: (...records) => producer.send(records),
    stop,
    [Symbol.asyncDispose]: async () => {
      await stop();
      await producer.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function environmentOf(folder: string, own: Readonly<Record<string, string>>) {
  return {
    DATA_DIR: join(folder, 'state'),
    EXTRACTOR: extractor,
    EXTRACTORS: extractor,
    TASKS: task,
    HEADS: 'lda',
    PARTITIONS: '2',
    REPLICATION_FACTOR: '1',
    ENGINE_THREADS: '1',
    DECODER_PROCESSES: '0',
    SETTLE_AFTER_MS: '100',
    BATCH_LINGER: '1ms',
    ...own,
  };
}

async function readAll(log: Log, topic: string): Promise<LogRecord[]> {
  const found: LogRecord[] = [];
  for (let partition = 0; partition < ((await log.admin.partitions(topic)) ?? 0); partition++) {
    for await (const chunk of log.read({ topic, partition })) found.push(...chunk);
  }
  return found;
}

/** A square whose place is the class, 0 or 1, and whose size is the image's own. */
export function picture(kind: number, own: number): Uint8Array<ArrayBuffer> {
  const pixels = new Uint8Array(784);
  for (let y = 3; y < 8 + own; y++) pixels.fill(255, y * 28 + 3 + kind * 12, y * 28 + 8 + own + kind * 8);
  return new Uint8Array(encodePng({ width: 28, height: 28, pixels }));
}

export function eventually<T>(
  probe: () => T | undefined | false | Promise<T | undefined | false>,
): Promise<T> {
  return poll(async () => await probe(), 40_000);
}

/** Sends an image and resolves when it is classified. */
export async function sendImage(
  { ingest }: Pick<ThreeServices, 'ingest'>,
  id: string,
  body: Uint8Array<ArrayBuffer>,
  headers: Readonly<Record<string, string>> = {},
): Promise<number> {
  const query = new URLSearchParams({ id, wait: 'prediction', timeout: '60' });
  const { status } = await fetch(`${ingest}/v1/images?${query}`, { method: 'POST', body, headers });
  return status;
}

export async function sendLabel(
  { ingest }: Pick<ThreeServices, 'ingest'>,
  id: string,
  label: string,
): Promise<number> {
  const { status } = await fetch(`${ingest}/v1/images/${encodeURIComponent(id)}/labels/${task}`, {
    method: 'PUT',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ label }),
  });
  return status;
}
