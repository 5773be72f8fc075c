/**
 * Keeps the table of heads and the heads that serve up to date from the log, in every process that predicts,
 * trains or answers questions about heads.
 */
import type { Follower, Log, LogRecord } from '@headwater/log';
import type { HeadsTable } from './heads-table.ts';
import type { ServingHeads } from './serving-heads.ts';

/** How often a head is tried again whose parameters could not be had. */
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
  /** Reads to the end of both topics as it is now, past what the follower has seen so far. */
  catchUp(): Promise<void>;
  /** Called with the tasks of what came, when the table has it; answers how to be called no more. */
  onHeads(listener: (tasks: ReadonlySet<string>) => void): () => void;
  close(): Promise<void>;
}

/** Resolves when all that was in the topics at the start is in the table, and what serves is open. */
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

/** The follower may lag behind the former owner of a partition by a moment; a version given twice would be for ever. */
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
