/**
 * What the partitions need of a log: to be a member of a group, to be handed what was fetched, and to commit
 * outputs and offsets together. All the rest (queues, batches, pipelines, verdicts) is written once, in
 * partitions.ts and partition-worker.ts, and each implementation of the log brings only this.
 */
import type { HeadwaterError } from '@headwater/errors';
import type { LogRecord, OutgoingRecord, Positions } from '../api.ts';

/** Committed records of one partition, as they were fetched. */
export interface FetchedChunk {
  readonly records: readonly LogRecord[];
  /** The offset that was asked for: the partition's position, if nothing went astray. */
  readonly from: bigint;
  /** The offset to read next: past control records, aborted records and gaps. */
  readonly next: bigint;
  /** End of the partition when this was fetched. */
  readonly high: bigint;
}

export interface MemberListener {
  /**
   * The group has a new generation, and these partitions are ours in it. Called synchronously at each join, before
   * anything of the new generation is fetched; all partitions are paused until `seek`.
   */
  joined(partitions: readonly number[]): void;
  fetched(partition: number, topic: string, chunk: FetchedChunk): void;
  /** The member cannot go on. */
  failed(error: HeadwaterError): void;
}

/** The one transactional producer of a partition; opening it has fenced the former one. */
export interface PartitionTransactions {
  /**
   * Writes records and offsets, all or nothing. Errors: record-too-large (nothing was written, and another
   * transaction may follow); any other leaves the outcome unknown, and these transactions must be closed.
   */
  commit(records: readonly OutgoingRecord[], positions: Positions): Promise<void>;
  close(): Promise<void>;
}

export interface GroupMember {
  start(): Promise<void>;
  openTransactions(partition: number, transactionalId: string): Promise<PartitionTransactions>;
  /**
   * Where to go on, by topic: what the group committed, or the earliest offset.
   * Errors: log-offset-out-of-range.
   */
  committed(partition: number): Promise<Positions>;
  /** Ends of the partition's partitions now, by topic. */
  ends(partition: number): Promise<Positions>;
  /** Fetches from these positions on, and resumes the partition. */
  seek(partition: number, positions: Positions): void;
  pause(partition: number): void;
  resume(partition: number): void;
  /** Leaves the group; nothing is fetched any more. */
  leave(): Promise<void>;
}

export interface JoinOptions {
  readonly group: string;
  readonly topics: readonly string[];
  /** Partitions of each of the topics. */
  readonly partitions: number;
  readonly sessionTimeoutMs: number;
}

export type JoinGroup = (options: JoinOptions, listener: MemberListener) => GroupMember;
