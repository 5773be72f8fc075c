/**
 * Reads a topic once, and later only new records: an audit of a running system checks again before it
 * reports.
 */
import type { Log, LogRecord, OffsetRange } from '@headwater/log';
import { EventLoopBudget } from '../../../event-loop.ts';
import type { PartitionStore } from '../../../store/partition-store.ts';
import { Draft } from '../../../store/state.ts';
import type { OnProgress } from '../../progress.ts';

export interface TopicCursorOptions {
  readonly log: Pick<Log, 'admin' | 'read'>;
  readonly topic: string;
  readonly store: PartitionStore;
  /** Applies one record to the tables of the store. */
  readonly apply: (record: LogRecord, draft: Draft) => Promise<void> | void;
  /** Where reading starts in a partition; default: its first record. */
  readonly from?: (partition: number) => bigint;
  /** Exclusive end of a partition; default: the end when `advance` is called. */
  readonly until?: (partition: number) => bigint;
  readonly signal?: AbortSignal | undefined;
  readonly progress?: OnProgress | undefined;
}

export class TopicCursor {
  readonly #options: TopicCursorOptions;
  readonly #positions = new Map<number, bigint>();
  #ranges: readonly OffsetRange[] = [];

  constructor(options: TopicCursorOptions) {
    this.#options = options;
  }

  /** By partition, as of the last call of `advance`; empty for a missing topic. */
  get ranges(): readonly OffsetRange[] {
    return this.#ranges;
  }

  /**
   * Reads to the present ends. Errors: log-unavailable, store-unavailable, those of `apply`, and the signal's
   * reason.
   */
  async advance(): Promise<void> {
    const { log, topic } = this.#options;
    if ((await log.admin.partitions(topic)) === undefined) return;
    this.#ranges = await log.admin.offsets(topic);
    const total = this.#ranges.reduce((sum, { low, high }) => sum + Number(high - low), 0);
    let done = 0;
    for (const [partition, range] of this.#ranges.entries()) {
      done = await this.#read(partition, range, done, total);
    }
  }

  async #read(partition: number, { low, high }: OffsetRange, before: number, total: number): Promise<number> {
    const { log, topic, store, apply, from: start, until, signal, progress } = this.#options;
    const from = this.#positions.get(partition) ?? start?.(partition) ?? low;
    const end = until?.(partition) ?? high;
    const to = end < high ? end : high;
    if (from >= to) return before;
    let done = before;
    const eventLoop = new EventLoopBudget();
    for await (const records of log.read({ topic, partition, from, to })) {
      signal?.throwIfAborted();
      const draft = new Draft(store);
      for (const record of records) {
        await eventLoop.yieldIfDue(signal);
        await apply(record, draft);
      }
      if (draft.changes.size > 0) await store.write(draft.changes, new Map());
      done += records.length;
      progress?.({ stage: `reading ${topic}`, done, total });
    }
    this.#positions.set(partition, to);
    return done;
  }
}
