/**
 * Keeps the heads table and the serving heads up to date with the log, in every process that predicts, trains
 * or serves the API.
 */
import type { Follower, Log, LogRecord } from '@headwater/log';
import type { HeadsTable } from './heads-table.ts';
import type { ServingHeads } from './serving-heads.ts';

/** Interval of attempts to load missing parameters. */
const retryMs = 5_000;

export interface HeadsFollowerOptions {
  readonly log: Log;
  readonly topics: { readonly heads: string; readonly serving: string };
  readonly table: HeadsTable;
  readonly serving: ServingHeads;
}

export interface HeadsFollower {
  /** Rejects when the log can no longer be followed; resolves after `close`. */
  readonly stopped: Promise<void>;
  /** Reads to the present end of both topics, beyond what the follower has read. */
  catchUp(): Promise<void>;
  /**
   * Calls the listener with the tasks of new records, once the table has them; returns an unsubscribe
   * function.
   */
  onHeads(listener: (tasks: ReadonlySet<string>) => void): () => void;
  close(): Promise<void>;
}

/** Resolves when the table has all records of the start, and the serving heads are open. */
export async function followHeads(options: HeadsFollowerOptions): Promise<HeadsFollower> {
  const { log, topics, table, serving } = options;
  const listeners = new Set<(tasks: ReadonlySet<string>) => void>();
  let caughtUp = false;
  const onRecords = async (records: readonly LogRecord[]) => {
    const tasks = await table.apply(records);
    if (caughtUp) await serving.refresh(tasks);
    for (const listener of listeners) listener(tasks);
  };
  const follower = await log.follow({ topics: [topics.heads, topics.serving], from: 'beginning', onRecords });
  await Promise.race([follower.caughtUp, follower.stopped]);
  await serving.refresh(table.activeTasks());
  caughtUp = true;
  const again = setInterval(() => void serving.refresh(), retryMs).unref();
  return {
    stopped: follower.stopped,
    catchUp: () => catchUp(options, follower),
    onHeads: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    close: () => {
      clearInterval(again);
      return follower.close();
    },
  };
}

/**
 * The follower may lag behind the former owner of a partition; without this, a version could be given twice.
 */
async function catchUp(options: HeadsFollowerOptions, follower: Follower): Promise<void> {
  const { log, topics, table, serving } = options;
  for (const topic of [topics.heads, topics.serving]) {
    const ranges = await log.admin.offsets(topic);
    for (const [partition, { low, high }] of ranges.entries()) {
      const from = follower.position(topic, partition) ?? low;
      if (from >= high) continue;
      for await (const records of log.read({ topic, partition, from, to: high })) {
        await serving.refresh(await table.apply(records));
      }
    }
  }
}
