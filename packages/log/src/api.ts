/**
 * The log as the services see it: an ordered, partitioned, replayable record of what happened. There are two
 * implementations (Apache Kafka through kafkajs, and in memory), and one contract test that both pass.
 *
 * Three ways to read: partitions (consume, transform, produce: exactly once), followers (every process reads all
 * of a topic, e.g. a table of heads) and bounded reads (roll a store forward, audit a topic).
 */
import type { HeadwaterError } from '@headwater/errors';

/** Buffers may be views into the answer of a broker: copy what is kept for long. */
export interface LogRecord {
  readonly topic: string;
  readonly partition: number;
  readonly offset: bigint;
  /** Milliseconds since the epoch, as the log states it. */
  readonly timestamp: number;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: Readonly<Record<string, Buffer>>;
}

export interface OutgoingRecord {
  readonly topic: string;
  /** Default: murmur2 of the key, as the Java client does it; null keys are spread. */
  readonly partition?: number;
  readonly key: Buffer | string | null;
  /** null is a tombstone. */
  readonly value: Buffer | null;
  readonly headers?: Readonly<Record<string, Buffer | string>>;
  readonly timestamp?: number;
  /** The record that this one came of; its topic, partition and offset are added as headers. */
  readonly cause?: LogRecord;
}

export interface TopicSpec {
  readonly name: string;
  readonly partitions: number;
  /** Left out, the cluster's own default holds (−1 on the wire). */
  readonly replicationFactor?: number;
  /** Topic configuration, e.g. `cleanup.policy`. */
  readonly settings: Readonly<Record<string, string>>;
  /** No other count will do: the order across all records matters, and one partition alone keeps it. */
  readonly isSingle?: boolean;
}

export interface OffsetRange {
  /** First offset that is still there. */
  readonly low: bigint;
  /** The offset after the last one. */
  readonly high: bigint;
}

export interface TopicReplication {
  /** Of the partition that has the fewest. */
  readonly replicas: number;
  /** undefined where the cluster does not say. */
  readonly minInsyncReplicas: number | undefined;
}

export interface ClusterReplication {
  /** That are up. */
  readonly brokers: number;
  readonly topics: ReadonlyMap<string, TopicReplication>;
}

export interface LogAdmin {
  /**
   * Creates what is missing where `create` is true, and checks what is there.
   * Errors: topic-missing, topic-mismatch (partition counts differ from the specification).
   */
  ensureTopics(specs: readonly TopicSpec[], options: { readonly create: boolean }): Promise<void>;
  /** Number of partitions; undefined when the topic does not exist. */
  partitions(topic: string): Promise<number | undefined>;
  /** As it is on the cluster, with the settings of its own; undefined when the topic does not exist. Errors: log-forbidden. */
  describe(topic: string): Promise<TopicSpec | undefined>;
  /** By partition index. */
  offsets(topic: string): Promise<readonly OffsetRange[]>;
  /** Committed offset by partition index; undefined where the group has committed none. */
  committed(group: string, topic: string): Promise<readonly (bigint | undefined)[]>;
  /**
   * Sets committed offsets, by partition, of a group without members. Errors: request-invalid where it has members.
   */
  commit(group: string, topic: string, offsets: ReadonlyMap<number, bigint>): Promise<void>;
  /** How these topics are replicated; those that do not exist are left out. Errors: log-unavailable, log-forbidden. */
  replication(topics: readonly string[]): Promise<ClusterReplication>;
  /** How many members a group has now; 0 for a group that does not exist. */
  members(group: string): Promise<number>;
  /** Deletes what lies before these offsets, by partition; an offset that is gone already is no error. */
  deleteRecords(topic: string, before: ReadonlyMap<number, bigint>): Promise<void>;
  deleteTopics(topics: readonly string[]): Promise<void>;
  /** Groups without members; one that does not exist is no error. */
  deleteGroups(groups: readonly string[]): Promise<void>;
}

/** An idempotent producer with acks from all in-sync replicas, for what comes from outside (HTTP, folders). */
export interface LogProducer {
  /** Resolves when all records are safe. Splits by bytes. Errors: record-too-large, log-unavailable. */
  send(records: readonly OutgoingRecord[]): Promise<void>;
  close(): Promise<void>;
}

/** A producer whose commits are all or nothing, for tools that move records; opening it has fenced its former owner. */
export interface LogTransactions {
  /**
   * Errors: record-too-large (nothing was written, and another commit may follow), log-fenced, log-commit-unknown
   * (the outcome is known after the same id was opened again).
   */
  commit(records: readonly OutgoingRecord[]): Promise<void>;
  close(): Promise<void>;
}

export interface DeadLetter {
  readonly record: LogRecord;
  /** Where it failed, e.g. `decode`, `extract`, `join`. */
  readonly stage: string;
  readonly error: HeadwaterError;
}

/** Next offset to read for each topic of a partition. */
export type Positions = ReadonlyMap<string, bigint>;

/** What came of one batch. It is committed in one transaction together with the batch's offsets. */
export interface ProcessorOutput {
  readonly records: readonly OutgoingRecord[];
  readonly deadLetters: readonly DeadLetter[];
  /** Called after the commit, in order, with the positions that were committed: the place to write local state. */
  readonly committed?: (positions: Positions) => Promise<void> | void;
}

/** Partition `index` of every topic that is read together, owned by this process until it is revoked. */
export interface AssignedPartition {
  readonly index: number;
  readonly topics: readonly string[];
  /** Read after the former owner was fenced; the earliest offset where the group had committed none. */
  readonly positions: Positions;
  /** Reads committed records of this partition's partition again, `from` inclusive, `to` exclusive. */
  replay(range: {
    readonly topic: string;
    readonly from: bigint;
    readonly to: bigint;
  }): AsyncIterable<readonly LogRecord[]>;
  /** Has `PartitionProcessor.offer` called between two batches, as soon as can be; several calls may be answered by one. */
  readonly wake?: () => void;
}

/**
 * One partition's worker. An error that `process` throws is answered by its verdict: `retry` runs the batch again
 * after a backoff (the group's session is kept alive), `dead-letter` splits the batch until the record
 * that causes it stands alone, `stop` ends the partitions (see `PartitionGroup.stopped`).
 */
export interface PartitionProcessor {
  /**
   * Computes the outputs of a batch: records of all the partition's topics, in order within each topic. Must not have effects
   * outside before the commit. Calls overlap up to `inFlight`; commits keep their order.
   */
  process(records: readonly LogRecord[], signal: AbortSignal): Promise<ProcessorOutput>;
  /** Called once when the partition has read and committed all there is, and nothing came for `idleAfterMs`. */
  idle?(signal: AbortSignal): Promise<ProcessorOutput | null>;
  /** Called after `AssignedPartition.wake`: outputs that come of no batch, as of work that went on in the background. */
  offer?(signal: AbortSignal): Promise<ProcessorOutput | null>;
  /** Called when the partition is revoked or the process stops; uncommitted work is dropped. */
  close(): Promise<void> | void;
}

export interface PartitionGroupOptions {
  readonly group: string;
  /** All must have the same number of partitions. Errors: topic-missing, topic-mismatch. */
  readonly topics: readonly string[];
  /** Topics that the outputs go to by partition: the partitions end when partitions are added to one of these, too. */
  readonly dependsOn?: readonly string[];
  /**
   * For state that is kept by partition: what the partition of a record follows from, or undefined where another writer chose it. Records
   * that lie elsewhere are a sign that partitions were added. Errors: topic-mismatch.
   */
  readonly placement?: (record: LogRecord) => Buffer | string | undefined;
  /** Called for each partition that is assigned, after the former owner is fenced. */
  open(partition: AssignedPartition): Promise<PartitionProcessor>;
  /** Transactional id of a partition; fences its former owner. */
  transactionalId(partition: number): string;
  /** `<topic>-dlt` unless named otherwise. */
  deadLetterTopic(topic: string): string;
  /**
   * A batch is handed over when it is full, or when its oldest record has waited `lingerMs` and the batch before was handed over
   * `restMs` ago (default 0): under load transactions are fewer and larger, and what comes after a pause does not wait.
   */
  readonly batch?: {
    readonly maxRecords?: number;
    readonly maxBytes?: number;
    readonly lingerMs?: number;
    readonly restMs?: number;
  };
  /** Batches of one partition under way at once, default 1. */
  readonly inFlight?: number;
  /** Default: `idle` is never called. */
  readonly idleAfterMs?: number;
  readonly sessionTimeoutMs?: number;
  /** How often the lag is worked out although nothing is committed, default 5,000. */
  readonly lagEveryMs?: number;
  /** Told of what happens, for metrics and logs. */
  readonly observer?: PartitionObserver;
}

export interface PartitionObserver {
  assigned?(partitions: readonly number[]): void;
  /** Lost to other members, or given back at the end. */
  revoked?(partitions: readonly number[]): void;
  committed?(
    partition: number,
    batch: {
      readonly records: number;
      readonly outputs: number;
      readonly deadLetters: number;
      readonly seconds: number;
    },
  ): void;
  retried?(partition: number, error: HeadwaterError): void;
  /** Records behind the end of the log, by topic: after each commit, and every few seconds whatever happens. */
  lag?(partition: number, lag: ReadonlyMap<string, number>): void;
  /** Seconds since a partition that is behind last committed something; 0 where it is not behind. Comes with `lag`. */
  stalled?(partition: number, seconds: number): void;
}

export interface PartitionGroup {
  /** Partitions owned now. */
  assigned(): readonly number[];
  /** Resolves after the first assignment was opened; rejects like `stopped` where it cannot be. */
  readonly ready: Promise<void>;
  /** Settles when the partitions end: resolves after `close`, rejects with the error whose verdict was to stop. */
  readonly stopped: Promise<void>;
  /**
   * Finishes and commits what is in flight, and leaves the group. What is not committed in time is abandoned: its
   * transaction never ends, and the next owner processes the records. `graceMs`: for all of it, default 9,000.
   */
  close(options?: { readonly graceMs?: number }): Promise<void>;
}

export interface FollowOptions {
  readonly topics: readonly string[];
  readonly from: 'beginning' | 'end';
  /** Called in order within each partition; backpressure is by the returned promise. */
  onRecords(records: readonly LogRecord[]): Promise<void> | void;
}

export interface Follower {
  /** Resolves when all that was in the topics at the start has been handed over; rejects like `stopped`. */
  readonly caughtUp: Promise<void>;
  /** Rejects when the follower cannot go on; resolves after `close`. */
  readonly stopped: Promise<void>;
  /** Next offset to be handed over. */
  position(topic: string, partition: number): bigint | undefined;
  close(): Promise<void>;
}

export interface ReadOptions {
  readonly topic: string;
  readonly partition: number;
  /** Inclusive; the earliest when left out. */
  readonly from?: bigint;
  /** Exclusive; the end at the time of the call when left out. */
  readonly to?: bigint;
}

/** Why records cannot be written now. */
export interface WriteBlock {
  /** Milliseconds since the epoch of the first attempt that failed; none has succeeded since. */
  readonly since: number;
  /** For logs and people, e.g. `NOT_ENOUGH_REPLICAS on images-3`. */
  readonly reason: string;
}

export interface Log {
  readonly kind: 'kafka' | 'memory';
  readonly admin: LogAdmin;
  /** undefined while the last attempt to write to each partition succeeded, and before the first one. */
  blocked(): WriteBlock | undefined;
  openProducer(): Promise<LogProducer>;
  /** Waits until transactions of the former owner of this id have ended. Errors: log-unavailable, log-forbidden. */
  openTransactions(transactionalId: string): Promise<LogTransactions>;
  openPartitionGroup(options: PartitionGroupOptions): Promise<PartitionGroup>;
  follow(options: FollowOptions): Promise<Follower>;
  /** Committed records in order, in chunks; ends at `to`. */
  read(options: ReadOptions): AsyncIterable<readonly LogRecord[]>;
  /** Closes whatever is still open. */
  close(): Promise<void>;
}
