/** Producers on a fake cluster, closed after the test. */
import { onTestFinished } from 'vitest';
import { createSilentLogger } from '../../../silent-logger.ts';
import { KafkaClient } from '../../client/client.ts';
import type { KafkaOptions, TopicPartition } from '../../options.ts';
import { Producers } from '../producers.ts';
import { WriteState } from '../write-state.ts';
import { type FakeCluster, startFakeCluster } from './fake-cluster.ts';

export interface ProducerFixture {
  readonly cluster: FakeCluster;
  readonly producers: Producers;
  readonly writes: WriteState;
  /** Events of the observer: reasons of retries, partitions whose leader moved, and unknown commits. */
  readonly events: { retries: string[]; moves: TopicPartition[]; unknown: string[] };
}

export async function openProducers(
  options: Partial<KafkaOptions> & { readonly nodes?: number; readonly partitions?: number } = {},
): Promise<ProducerFixture> {
  const { nodes = 2, partitions = 2, ...kafkaOptions } = options;
  const cluster = await startFakeCluster(nodes, { t: partitions });
  const events: ProducerFixture['events'] = { retries: [], moves: [], unknown: [] };
  const kafka: KafkaOptions = {
    brokers: cluster.brokers,
    ...kafkaOptions,
    observer: {
      retried: (_partition, reason) => void events.retries.push(reason),
      leaderMoved: (partition) => void events.moves.push(partition),
      commitUnknown: (reason) => void events.unknown.push(reason),
    },
  };
  const writes = new WriteState();
  const shape = { partitions, maxMessageBytes: 1_000_000 };
  const topics = { shapes: async () => () => shape, forget: () => undefined };
  const client = new KafkaClient(kafka, createSilentLogger());
  const producers = new Producers({ kafka, client, topics, writes });
  onTestFinished(async () => {
    producers.close();
    await cluster.close();
  });
  return { cluster, producers, writes, events };
}

export const record = (value: string, partition = 0) => ({
  topic: 't',
  key: 'k',
  partition,
  value: Buffer.from(value),
});
