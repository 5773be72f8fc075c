/** One real Apache Kafka for all tests that need one: that of `KAFKA_BROKERS`, or a local one that is thrown away. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Progress, startLocalKafka } from '@headwater/local-kafka';
import type { TestProject } from 'vitest/node';

declare module 'vitest' {
  interface ProvidedContext {
    /** Bootstrap list; tests share the cluster, so their topics and groups have names of their own. */
    readonly brokers: string[];
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const given = process.env.KAFKA_BROKERS;
  if (given !== undefined && given !== '') {
    project.provide('brokers', given.split(','));
    return async () => undefined;
  }
  const dataDir = await mkdtemp(join(tmpdir(), 'headwater-test-'));
  const discard = () => rm(dataDir, { recursive: true, force: true });
  try {
    const kafka = await startLocalKafka({ dataDir, onProgress: report });
    kafka.stopped.catch((error: Error) => process.stderr.write(`${error.message}\n`));
    project.provide('brokers', kafka.brokers);
    return () => kafka.stop().then(discard);
  } catch (error) {
    await discard();
    throw error;
  }
}

function report(progress: Progress): void {
  if (progress.step === 'fetch' && progress.files % 10 !== 1) return;
  const words = {
    fetch: 'fetching Apache Kafka',
    format: 'formatting a data folder',
    start: 'starting Apache Kafka',
    ready: 'Apache Kafka is ready',
  };
  process.stderr.write(`kafka tests: ${words[progress.step]}\n`);
}
