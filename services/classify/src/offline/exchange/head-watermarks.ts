/**
 * Offsets of `examples` are void after a repartitioning. A head of watermark 0 may have learned any example:
 * it is tombstoned after an erasure, and the trainer gives it a watermark when labels pause.
 */
import { asDeadLetter } from '@headwater/errors';
import type { LogRecord, LogTransactions, OffsetRange } from '@headwater/log';
import { type Codec, type HeadTrained, openCodec } from '@headwater/schemas';
import type { ClusterClients } from '../../model-registry/head-catalog.ts';

/** Rewrites each head that has a watermark with 0. Returns their number; a second call finds none. */
export async function resetWatermarks(
  { log, names, schemaIds }: Pick<ClusterClients, 'log' | 'names' | 'schemaIds'>,
  transactions: Pick<LogTransactions, 'commit'>,
): Promise<number> {
  const topic = names.topics.heads;
  const codec = await openCodec(schemaIds, 'HeadTrained', topic);
  const ranges = await log.admin.offsets(topic);
  const newest = new Map<string, bigint>();
  for await (const { key, offset } of readRanges(log, topic, ranges)) newest.set(String(key), offset);
  let count = 0;
  for await (const record of readRanges(log, topic, ranges)) {
    if (newest.get(String(record.key)) !== record.offset || record.value === null) continue;
    const value = await withoutWatermark(codec, record.value);
    if (value === undefined) continue;
    await transactions.commit([{ topic, partition: record.partition, key: record.key, value }]);
    count += 1;
  }
  return count;
}

async function* readRanges(
  log: ClusterClients['log'],
  topic: string,
  ranges: readonly OffsetRange[],
): AsyncIterable<LogRecord> {
  for (const [partition, { high }] of ranges.entries()) {
    for await (const records of log.read({ topic, partition, to: high })) yield* records;
  }
}

/** Undefined for a head without a watermark, and for an unreadable record. */
async function withoutWatermark(codec: Codec<HeadTrained>, bytes: Buffer): Promise<Buffer | undefined> {
  try {
    const head = await codec.decode(bytes);
    return head.watermark === 0 ? undefined : codec.encode({ ...head, watermark: 0 });
  } catch (error) {
    asDeadLetter(error);
    return undefined;
  }
}
