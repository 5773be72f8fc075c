/**
 * The broker state in memory: topics, group offsets, and owners of transactional ids. Each change happens in one turn
 * of the event loop, so a transaction is atomic.
 */
import { HeadwaterError } from '@headwater/errors';
import type { LogRecord, OutgoingRecord, TopicSpec } from '../api.ts';
import { headersOf } from '../records/provenance.ts';
import { sizeOf } from '../records/record-size.ts';
import { partitionFor } from '../topics/murmur2.ts';
import { MemoryPartition } from './partition.ts';

/** Kafka's default for `max.message.bytes`. */
const defaultMaxMessageBytes = 1_048_588;

interface MemoryTopic {
  readonly spec: TopicSpec;
  readonly partitions: readonly MemoryPartition[];
  readonly maxMessageBytes: number;
  spread: number;
}

export class MemoryCluster {
  readonly #topics = new Map<string, MemoryTopic>();
  readonly #groups = new Map<string, Map<string, bigint>>();
  readonly #epochs = new Map<string, number>();

  create(spec: TopicSpec): void {
    const { name, partitions, settings } = spec;
    const retention = {
      compact: (settings['cleanup.policy'] ?? 'delete').includes('compact'),
      bytes: limit(settings['retention.bytes']),
      ms: limit(settings['retention.ms']),
    };
    this.#topics.set(name, {
      spec,
      partitions: Array.from({ length: partitions }, () => new MemoryPartition(retention)),
      maxMessageBytes: Number(settings['max.message.bytes'] ?? defaultMaxMessageBytes),
      spread: 0,
    });
  }

  /** Also deletes the committed offsets of the topic. */
  delete(topic: string): void {
    const partitions = this.find(topic)?.length ?? 0;
    for (const offsets of this.#groups.values()) {
      for (let partition = 0; partition < partitions; partition += 1) offsets.delete(`${topic}/${partition}`);
    }
    this.#topics.delete(topic);
  }

  describe(topic: string): TopicSpec | undefined {
    return this.#topics.get(topic)?.spec;
  }

  /** undefined when the topic does not exist. */
  find(topic: string): readonly MemoryPartition[] | undefined {
    return this.#topics.get(topic)?.partitions;
  }

  partition(topic: string, index: number): MemoryPartition {
    const partition = this.#require(topic).partitions[index];
    if (partition === undefined) {
      throw new HeadwaterError('topic-mismatch', `topic ${topic} has no partition ${index}`);
    }
    return partition;
  }

  /** Appends all records or none. Errors: topic-missing, topic-mismatch, record-too-large. */
  append(records: readonly OutgoingRecord[]): void {
    const appends = records.map((record) => this.#place(record));
    for (const { partition, stored } of appends) partition.append(stored);
  }

  /** Registers a new owner of a transactional id; owners with a smaller epoch are fenced. */
  initTransactions(transactionalId: string): number {
    const epoch = (this.#epochs.get(transactionalId) ?? 0) + 1;
    this.#epochs.set(transactionalId, epoch);
    return epoch;
  }

  /** Errors: log-fenced. */
  checkEpoch(transactionalId: string, epoch: number): void {
    if (this.#epochs.get(transactionalId) === epoch) return;
    throw new HeadwaterError('log-fenced', `a newer producer has taken over ${transactionalId}`);
  }

  committed(group: string, topic: string, partition: number): bigint | undefined {
    return this.#groups.get(group)?.get(`${topic}/${partition}`);
  }

  commit(group: string, topic: string, partition: number, offset: bigint): void {
    const offsets = this.#groups.get(group) ?? new Map<string, bigint>();
    offsets.set(`${topic}/${partition}`, offset);
    this.#groups.set(group, offsets);
  }

  deleteGroup(group: string): void {
    this.#groups.delete(group);
  }

  #require(topic: string): MemoryTopic {
    const found = this.#topics.get(topic);
    if (found === undefined) throw new HeadwaterError('topic-missing', `topic ${topic} does not exist`);
    return found;
  }

  #place(record: OutgoingRecord): { partition: MemoryPartition; stored: Omit<LogRecord, 'offset'> } {
    const topic = this.#require(record.topic);
    const size = sizeOf(record);
    if (size > topic.maxMessageBytes) {
      const message = `a record of ${size} bytes exceeds ${topic.maxMessageBytes} bytes, the limit of ${record.topic}`;
      throw new HeadwaterError('record-too-large', message);
    }
    const index = record.partition ?? choose(record, topic);
    const stored = {
      topic: record.topic,
      partition: index,
      timestamp: record.timestamp ?? Date.now(),
      key: typeof record.key === 'string' ? Buffer.from(record.key, 'utf8') : record.key,
      value: record.value,
      headers: headersOf(record),
    };
    return { partition: this.partition(record.topic, index), stored };
  }
}

function choose(record: OutgoingRecord, topic: MemoryTopic): number {
  if (record.key !== null) return partitionFor(record.key, topic.partitions.length);
  topic.spread += 1;
  return topic.spread % topic.partitions.length;
}

function limit(setting: string | undefined): number {
  const value = Number(setting ?? -1);
  return value < 0 ? Number.POSITIVE_INFINITY : value;
}
