/**
 * What a read_committed reader must leave out. Done here because kafkajs' own filter hands out aborted records
 * when the aborted transactions of several producers interleave: it takes up at most one of them a record,
 * and trusts that the broker lists them in order.
 */
import type { AbortedTransaction } from '../client/kafkajs.ts';
import type { RawRecord } from '../client/raw-record.ts';

/** Type 0 in a control record's key (version, type) is an abort marker. */
const abortMarker = Buffer.from([0, 0, 0, 0]);

/** Records without control records and without those of aborted transactions. */
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
