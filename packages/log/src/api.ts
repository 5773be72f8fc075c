/**
 * The log: ordered, partitioned, replayable topics. Two implementations (Apache Kafka through kafkajs, and in
 * memory) pass one contract test.
 *
 * Three ways to read: partition groups (consume, transform, produce: exactly once), followers (every process
 * reads all of a topic, e.g. a table of heads) and bounded reads (roll a store forward, audit a topic).
 */
import type { HeadwaterError } from '@headwater/errors';
import type { TraceHeaders } from './records/trace-headers.ts';

/** Buffers may be views into a broker's response: copy bytes that are kept for long. */
export interface LogRecord {
  readonly topic: string;
  readonly partition: number;
  readonly offset: bigint;
  /** Milliseconds since the epoch, from the log. */
  readonly timestamp: number;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: Readonly<Record<string, Buffer>>;
}

export interface OutgoingRecord {
  readonly topic: string;
  /** Default: murmur2 of the key, as in the Java client; null keys are distributed. */
  readonly partition?: number;
  readonly key: Buffer | string | null;
  /** null is a tombstone. */
  readonly value: Buffer | null;
  readonly headers?: Readonly<Record<string, Buffer | string>>;
  readonly timestamp?: number;
  /** The source record; its topic, partition and offset are added as headers. */
  readonly cause?: LogRecord;
  /** Traces of records that contributed to this one; not written, and read by tracing alone. */
  readonly traceLinks?: readonly TraceHeaders[];
}

export interface TopicSpec {
  readonly name: string;
  readonly partitions: number;
  /** Default: that of the cluster (−1 on the wire). */
  readonly replicationFactor?: number;
  /** Topic configuration, e.g. `cleanup.policy`. */
  readonly settings: Readonly<Record<string, string>>;
  /** The topic must keep one partition, because the order across all records matters. */
  readonly isSingle?: boolean;
}

export interface OffsetRange {
  /** First offset in the log. */
  readonly low: bigint;
  /** The offset after the last one. */
  readonly high: bigint;
}

export interface TopicReplication {
  /** Smallest count over the partitions. */
  readonly replicas: number;
  /** undefined where the setting cannot be read. */
  readonly minInsyncReplicas: number | undefined;
}

export interface ClusterReplication {
  /** Brokers that are up. */
  readonly brokers: number;
  readonly topics: ReadonlyMap<string, TopicReplication>;
}

/** A group member, as any client of the cluster can read it. */
export interface GroupMemberDescription {
  readonly id: string;
  /** Base URL of the process, see `PartitionGroupOptions.address`. */
  readonly address: string | undefined;
  /** Assigned partitions; none while the group rebalances. */
  readonly partitions: readonly number[];
}

export interface GroupDescription {
  /** False while the group rebalances: its partitions have no known owner. */
  readonly isStable: boolean;
  readonly members: readonly GroupMemberDescription[];
}

export interface LogAdmin {
  /**
   * Creates missing topics where `create` is true, and checks existing ones.
   * Errors: topic-missing, topic-mismatch (partition counts differ from the specification).
   */
  ensureTopics(specs: readonly TopicSpec[], options: { readonly create: boolean }): Promise<void>;
  /** Number of partitions; undefined when the topic does not exist. */
  partitions(topic: string): Promise<number | undefined>;
  /** The topic and its non-default settings; undefined when it does not exist. Errors: log-forbidden. */
  describe(topic: string): Promise<TopicSpec | undefined>;
  /** By partition index. */
  offsets(topic: string): Promise<readonly OffsetRange[]>;
  /** Committed offsets by partition index; undefined where the group has none. */
  committed(group: string, topic: string): Promise<readonly (bigint | undefined)[]>;
  /**
   * Sets committed offsets by partition. Errors: request-invalid where the group has members.
   */
  commit(group: string, topic: string, offsets: ReadonlyMap<number, bigint>): Promise<void>;
  /** Replication of these topics; missing topics are omitted. Errors: log-unavailable, log-forbidden. */
  replication(topics: readonly string[]): Promise<ClusterReplication>;
  /** Members of a group and their partitions; a group that does not exist has none. Errors: log-forbidden. */
  describeGroup(group: string): Promise<GroupDescription>;
  /** Deletes records before these offsets, by partition; an offset that was deleted already is no error. */
  deleteRecords(topic: string, before: ReadonlyMap<number, bigint>): Promise<void>;
  deleteTopics(topics: readonly string[]): Promise<void>;
  /** Deletes groups without members; a missing group is no error. */
  deleteGroups(groups: readonly string[]): Promise<void>;
}

/** An idempotent producer with acks from all in-sync replicas, for external input (HTTP, folders). */
export interface LogProducer {
  /** Resolves when all records are acknowledged. Splits by bytes. Errors: record-too-large, log-unavailable. */
  send(records: readonly OutgoingRecord[]): Promise<void>;
  close(): Promise<void>;
}

/** A transactional producer for tools that move records. Opening it fences the former owner of its id. */
export interface LogTransactions {
  /**
   * Commits all records or none. Errors: record-too-large (nothing was written, and another commit may follow),
   * log-fenced, log-commit-unknown (the outcome is known after the same id was opened again).
   */
  commit(records: readonly OutgoingRecord[]): Promise<void>;
  close(): Promise<void>;
}

export interface DeadLetter {
  readonly record: LogRecord;
  /** Processing stage that failed, e.g. `decode`, `extract`, `join`. */
  readonly stage: string;
  readonly error: HeadwaterError;
}

/** Next offset to read for each topic of a partition. */
export type Positions = ReadonlyMap<string, bigint>;

/** Outputs of one batch, committed in one transaction together with the batch's offsets. */
export interface ProcessorOutput {
  readonly records: readonly OutgoingRecord[];
  readonly deadLetters: readonly DeadLetter[];
  /** Called after the commit, in order, with the committed positions: local state is written here. */
  readonly committed?: (positions: Positions) => Promise<void> | void;
}

/** Partition `index` of all co-partitioned topics, owned by this process until it is revoked. */
export interface AssignedPartition {
  readonly index: number;
  readonly topics: readonly string[];
  /** Committed offsets, read after the former owner was fenced; the earliest offset where there is none. */
  readonly positions: Positions;
  /** Reads committed records of this partition again, `from` inclusive, `to` exclusive. */
  replay(range: {
    readonly topic: string;
    readonly from: bigint;
    readonly to: bigint;
  }): AsyncIterable<readonly LogRecord[]>;
  /** Requests a call of `PartitionProcessor.offer` between two batches; several requests may share one call. */
  readonly wake?: () => void;
}

/**
 * Processes one partition. The verdict of an error that `process` throws decides: `retry` runs the batch again
 * after a backoff (the group's session is kept alive), `dead-letter` splits the batch until the failing record
 * is alone, `stop` ends the partition group (see `PartitionGroup.stopped`).
 */
export interface PartitionProcessor {
  /**
   * Computes the outputs of a batch: records of all topics of the partition, in order within each topic.
   * Must have no external effects before the commit. Up to `inFlight` calls overlap; commits keep their order.
   */
  process(records: readonly LogRecord[], signal: AbortSignal): Promise<ProcessorOutput>;
  /** Called once when all records are committed and no record arrived for `idleAfterMs`. */
  idle?(signal: AbortSignal): Promise<ProcessorOutput | null>;
  /** Called after `AssignedPartition.wake`: returns outputs without a batch, e.g. of background work. */
  offer?(signal: AbortSignal): Promise<ProcessorOutput | null>;
  /** Called when the partition is revoked or the process stops; uncommitted work is discarded. */
  close(): Promise<void> | void;
}

export interface PartitionGroupOptions {
  readonly group: string;
  /** All must have the same number of partitions. Errors: topic-missing, topic-mismatch. */
  readonly topics: readonly string[];
  /** Output topics that are written by partition: the group also ends when partitions are added to these. */
  readonly dependsOn?: readonly string[];
  /**
   * For state kept by partition: the key that determines a record's partition, or undefined where another
   * writer chose it. A record in another partition shows that partitions were added. Errors: topic-mismatch.
   */
  readonly placement?: (record: LogRecord) => Buffer | string | undefined;
  /** Called for each assigned partition, after the former owner is fenced. */
  open(partition: AssignedPartition): Promise<PartitionProcessor>;
  /** Transactional id of a partition; opening it fences the former owner. */
  transactionalId(partition: number): string;
  /** By convention `<topic>-dlt`. */
  deadLetterTopic(topic: string): string;
  /**
   * A batch is processed when it is full, or when its oldest record has waited `lingerMs` and the batch before
   * started `restMs` ago (default 0). Under load, transactions are fewer and larger; after a pause, none waits.
   */
  readonly batch?: {
    readonly maxRecords?: number;
    readonly maxBytes?: number;
    readonly lingerMs?: number;
    readonly restMs?: number;
  };
  /** Batches of one partition that are processed concurrently, default 1. */
  readonly inFlight?: number;
  /** Default: `idle` is never called. */
  readonly idleAfterMs?: number;
  readonly sessionTimeoutMs?: number;
  /** Base URL at which other processes of the installation reach this member; all clients of the cluster can read it. */
  readonly address?: string | undefined;
  /**
   * Partitions whose state is on the disk of this process, with the sum of its positions: a partition that has no
   * live owner goes to the member with the newest state. Called at each join.
   */
  readonly stored?: () => ReadonlyMap<number, bigint>;
  /** Interval in milliseconds at which the lag is computed without commits, default 5,000. */
  readonly lagEveryMs?: number;
  /** Receives events for metrics and logs. */
  readonly observer?: PartitionObserver;
}

export interface PartitionObserver {
  assigned?(partitions: readonly number[]): void;
  /** Partitions lost to other members, or released on close. */
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
  /** Records behind the end of the log, by topic: after each commit and every `lagEveryMs`. */
  lag?(partition: number, lag: ReadonlyMap<string, number>): void;
  /** Seconds since the last commit of a partition with lag; 0 without lag. Called with `lag`. */
  stalled?(partition: number, seconds: number): void;
}

export interface PartitionGroup {
  /** Partitions that are owned now. */
  assigned(): readonly number[];
  /** Resolves after the first assignment was opened; rejects like `stopped` where opening fails. */
  readonly ready: Promise<void>;
  /** Settles when the group ends: resolves after `close`, rejects with the error whose verdict was to stop. */
  readonly stopped: Promise<void>;
  /**
   * Commits batches in flight and leaves the group. A batch that is not committed in time is abandoned, and the
   * next owner processes its records. `graceMs` limits the whole close, default 9,000.
   */
  close(options?: { readonly graceMs?: number }): Promise<void>;
}

export interface FollowOptions {
  readonly topics: readonly string[];
  readonly from: 'beginning' | 'end';
  /** Called in order within each partition; the returned promise applies backpressure. */
  onRecords(records: readonly LogRecord[]): Promise<void> | void;
}

export interface Follower {
  /** Resolves when all records that were in the topics at the start are delivered; rejects like `stopped`. */
  readonly caughtUp: Promise<void>;
  /** Rejects when the follower fails; resolves after `close`. */
  readonly stopped: Promise<void>;
  /** Next offset to deliver. */
  position(topic: string, partition: number): bigint | undefined;
  close(): Promise<void>;
}

export interface ReadOptions {
  readonly topic: string;
  readonly partition: number;
  /** Inclusive; default: the earliest. */
  readonly from?: bigint;
  /** Exclusive; default: the end at the time of the call. */
  readonly to?: bigint;
}

/** Why records cannot be written now. */
export interface WriteBlock {
  /** Time of the first failed attempt since the last success, in milliseconds since the epoch. */
  readonly since: number;
  /** Readable reason, e.g. `NOT_ENOUGH_REPLICAS on images-3`. */
  readonly reason: string;
}

export interface Log {
  readonly kind: 'kafka' | 'memory';
  readonly admin: LogAdmin;
  /** undefined before the first write, and while the last write to each partition succeeded. */
  blocked(): WriteBlock | undefined;
  openProducer(): Promise<LogProducer>;
  /** Waits for the end of transactions of the former owner of this id. Errors: log-unavailable, log-forbidden. */
  openTransactions(transactionalId: string): Promise<LogTransactions>;
  openPartitionGroup(options: PartitionGroupOptions): Promise<PartitionGroup>;
  follow(options: FollowOptions): Promise<Follower>;
  /** Committed records in order, in chunks; ends at `to`. */
  read(options: ReadOptions): AsyncIterable<readonly LogRecord[]>;
  /** Closes everything that is still open. */
  close(): Promise<void>;
}
