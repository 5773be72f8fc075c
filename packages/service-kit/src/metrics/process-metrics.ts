/** Metrics that every service process has: what was built, whether Kafka answers, room on the disk of DATA_DIR. */
import { readFileSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import type { Log } from '@headwater/log';
import type { Metrics } from './metrics.ts';

const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
  version: string;
};

/** `revision`: of the source; undefined where the build does not state one. */
export function reportBuild(metrics: Metrics, revision: string | undefined): void {
  const labels = { version, revision: revision ?? 'unknown', node: process.versions.node };
  metrics
    .gauge('headwater_build_info', 'The running build; always 1.', ['version', 'revision', 'node'])
    .set(1, labels);
}

/** Free bytes of the file system of a folder that may not exist yet; undefined where it cannot be read. */
async function freeBytes(folder: string): Promise<number | undefined> {
  for (let path = resolve(folder); ; path = dirname(path)) {
    try {
      const { bavail, bsize } = await statfs(path);
      return bavail * bsize;
    } catch {
      if (path === dirname(path)) return undefined;
    }
  }
}

/** Measured when metrics are read. */
export function reportDisk(metrics: Metrics, folder: string): void {
  const free = metrics.gauge('headwater_data_free_bytes', 'Free space on the disk of DATA_DIR.');
  metrics.beforeRender(async () => {
    const bytes = await freeBytes(folder);
    if (bytes !== undefined) free.set(bytes);
  });
}

const probeEveryMs = 10_000;

interface KafkaProbeOptions {
  /** Any topic of the installation; it need not exist. */
  readonly topic: string;
  readonly everyMs?: number;
}

/**
 * Asks Kafka for the metadata of a topic every ten seconds. A probe that has no answer when the next is due counts as
 * failed, and there is never more than one. Returns the function that ends this.
 */
export function probeKafka(
  metrics: Metrics,
  admin: Pick<Log['admin'], 'partitions'>,
  { topic, everyMs = probeEveryMs }: KafkaProbeOptions,
): () => void {
  const connected = metrics.gauge(
    'headwater_kafka_connected',
    '1 while Kafka answers requests for metadata, made every 10 s, otherwise 0.',
  );
  connected.set(0);
  let isOver = false;
  let isAsking = false;
  const ask = () => {
    if (isAsking) return connected.set(0);
    isAsking = true;
    const settle = (value: number) => {
      isAsking = false;
      if (!isOver) connected.set(value);
    };
    admin.partitions(topic).then(
      () => settle(1),
      () => settle(0),
    );
  };
  ask();
  const timer = setInterval(ask, everyMs).unref();
  return () => {
    isOver = true;
    clearInterval(timer);
  };
}
