/**
 * Merges the partitions of a topic by time. Records keep their order within each partition; after partitions were
 * added, the older records of a key precede the newer ones.
 */
import type { Log, LogRecord } from '@headwater/log';

export interface PartitionRange {
  readonly partition: number;
  readonly from: bigint;
  /** Exclusive. */
  readonly to: bigint;
}

export async function* mergedRecords(
  log: Pick<Log, 'read'>,
  topic: string,
  ranges: readonly PartitionRange[],
): AsyncGenerator<LogRecord> {
  const heads: { record: LogRecord; readonly rest: AsyncIterator<LogRecord> }[] = [];
  for (const range of ranges.filter(({ from, to }) => from < to)) {
    const rest = records(log, topic, range);
    const first = await rest.next();
    if (first.done !== true) heads.push({ record: first.value, rest });
  }
  while (heads.length > 0) {
    const earliest = heads.reduce((a, b) => (b.record.timestamp < a.record.timestamp ? b : a));
    yield earliest.record;
    const next = await earliest.rest.next();
    if (next.done === true) heads.splice(heads.indexOf(earliest), 1);
    else earliest.record = next.value;
  }
}

async function* records(
  log: Pick<Log, 'read'>,
  topic: string,
  range: PartitionRange,
): AsyncGenerator<LogRecord> {
  for await (const chunk of log.read({ topic, ...range })) yield* chunk;
}
