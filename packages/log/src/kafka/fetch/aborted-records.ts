/**
 * Filters records for read_committed readers. kafkajs' own filter returns aborted records when aborted transactions
 * of several producers interleave: it starts at most one transaction per record, and assumes that the broker lists
 * them in order.
 */
import type { AbortedTransaction } from '../client/kafkajs.ts';
import type { RawRecord } from '../client/raw-record.ts';

/** Key (version, type) of a control record; type 0 is an abort marker. */
const abortMarker = Buffer.from([0, 0, 0, 0]);

/** Removes control records and records of aborted transactions. */
export function withoutAborted(
  records: readonly RawRecord[],
  aborted: readonly AbortedTransaction[],
): RawRecord[] {
  if (aborted.length === 0) return records.filter(({ isControlRecord }) => !isControlRecord);
  const starts = aborted
    .map(({ producerId, firstOffset }) => ({ producerId, firstOffset: BigInt(firstOffset) }))
    .sort((a, b) => (a.firstOffset < b.firstOffset ? -1 : 1));
  const open = new Set<string>();
  let started = 0;
  return records.filter((record) => {
    const offset = BigInt(record.offset);
    for (
      let next = starts[started];
      next !== undefined && next.firstOffset <= offset;
      next = starts[started]
    ) {
      open.add(next.producerId);
      started += 1;
    }
    const { producerId, inTransaction } = record.batchContext;
    if (!record.isControlRecord) return !(inTransaction && open.has(producerId));
    if (record.key?.equals(abortMarker) === true) open.delete(producerId);
    return false;
  });
}
