/** Reads topics from the start of a run to their present end, one partition after the other. */
import type { Log, LogRecord } from '@headwater/log';
import type { AuditRange } from './record-outcomes.ts';

/** First offset of the run by partition, for each topic; a topic that is not named is read from its start. */
export type StartOffsets = ReadonlyMap<string, readonly bigint[]>;

export interface TopicReader {
  /** The run's part of a topic by partition, fixed when it is first asked for; empty when there is no such topic. */
  ranges(topic: string): Promise<readonly AuditRange[]>;
  /** Hands over every committed record of the run's part; resolves to their number, tombstones left out. */
  each(topic: string, visit: (record: LogRecord) => Promise<void> | void): Promise<number>;
}

export function createTopicReader(log: Pick<Log, 'read' | 'admin'>, start: StartOffsets): TopicReader {
  const known = new Map<string, Promise<readonly AuditRange[]>>();

  async function measure(topic: string): Promise<readonly AuditRange[]> {
    if ((await log.admin.partitions(topic)) === undefined) return [];
    const begin = start.get(topic);
    const offsets = await log.admin.offsets(topic);
    return offsets.map(({ low, high }, partition) => {
      const from = begin?.[partition] ?? 0n;
      return { from: from < low ? low : from, to: high };
    });
  }

  function ranges(topic: string): Promise<readonly AuditRange[]> {
    const measured = known.get(topic) ?? measure(topic);
    known.set(topic, measured);
    return measured;
  }

  return {
    ranges,
    async each(topic, visit) {
      let count = 0;
      for (const [partition, { from, to }] of (await ranges(topic)).entries()) {
        if (from >= to) continue;
        for await (const records of log.read({ topic, partition, from, to })) {
          for (const record of records) {
            if (record.value !== null) count++;
            await visit(record);
          }
        }
      }
      return count;
    },
  };
}
