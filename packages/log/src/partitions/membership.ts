/**
 * The part of a partition group that each log implements: group membership, fetching, and transactions over
 * outputs and offsets. Queues, batches and verdicts are shared (partition-group.ts, partition-worker.ts).
 */
import type { HeadwaterError } from '@headwater/errors';
import type { LogRecord, OutgoingRecord, Positions } from '../api.ts';

/** Committed records of one partition, from one fetch. */
export interface FetchedChunk {
  readonly records: readonly LogRecord[];
  /** The requested offset: the partition's position, unless the chunk is stale. */
  readonly from: bigint;
  /** Next offset to read: after control records, aborted records and gaps. */
  readonly next: bigint;
  /** End of the partition at the time of the fetch. */
  readonly high: bigint;
}

export interface MemberListener {
  /**
   * The group has a new generation that assigns these partitions to this member. Called synchronously at each
   * join, before any fetch of the new generation. This member owned those of `kept` in the generation directly
   * before: their fetches go on. All others are paused until `seek`.
   */
  joined(partitions: readonly number[], kept: readonly number[]): void;
  fetched(partition: number, topic: string, chunk: FetchedChunk): void;
  /** The member has failed. */
  failed(error: HeadwaterError): void;
}

/** The transactional producer of a partition; opening it fences the former one. */
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
   * Start positions by topic: the committed offset, or the earliest one.
   * Errors: log-offset-out-of-range.
   */
  committed(partition: number): Promise<Positions>;
  /** Current ends of the partition, by topic. */
  ends(partition: number): Promise<Positions>;
  /** Fetches from these positions on, and resumes the partition. */
  seek(partition: number, positions: Positions): void;
  pause(partition: number): void;
  resume(partition: number): void;
  /** Leaves the group and stops fetching. */
  leave(): Promise<void>;
}

export interface JoinOptions {
  readonly group: string;
  readonly topics: readonly string[];
  /** Partition count of each topic. */
  readonly partitions: number;
  readonly sessionTimeoutMs: number;
  /** See `PartitionGroupOptions`. */
  readonly address?: string | undefined;
  readonly stored?: (() => ReadonlyMap<number, bigint>) | undefined;
}

export type JoinGroup = (options: JoinOptions, listener: MemberListener) => GroupMember;
