/**
 * Counts the outcomes of each record of a topic, in one byte a record, by partition and offset: a million
 * records need a megabyte.
 */

const present = 0x80;
const deadLettered = 0x40;
const outcomes = 0x3f;

/** From inclusive, to exclusive, for one partition. */
export interface AuditRange {
  readonly from: bigint;
  readonly to: bigint;
}

interface PartitionOffset {
  readonly partition: number;
  readonly offset: bigint;
}

export interface RecordOutcomes {
  /** Registers a record that must have an outcome. */
  expect(partition: number, offset: bigint): void;
  /** Counts an outcome of that record. Records outside of the ranges are ignored. */
  outcome(partition: number, offset: bigint): void;
  deadLetter(partition: number, offset: bigint): void;
  readonly expected: number;
  /** Expected records with neither outcome nor dead letter. */
  lost(): Generator<PartitionOffset>;
  /** Expected records with more than one outcome, once for each surplus one. */
  duplicates(): Generator<PartitionOffset>;
}

/** `ranges` by partition index. */
export function createRecordOutcomes(ranges: readonly AuditRange[]): RecordOutcomes {
  const rows = ranges.map(({ from, to }) => ({ from, bytes: new Uint8Array(Number(to - from)) }));
  let expected = 0;

  function update(partition: number, offset: bigint, change: (byte: number) => number): void {
    const row = rows[partition];
    if (row === undefined) return;
    const index = Number(offset - row.from);
    const byte = row.bytes[index];
    if (byte !== undefined) row.bytes[index] = change(byte);
  }

  function* places(times: (byte: number) => number): Generator<PartitionOffset> {
    for (const [partition, { from, bytes }] of rows.entries()) {
      for (const [index, byte] of bytes.entries()) {
        if ((byte & present) === 0) continue;
        for (let time = times(byte); time > 0; time--) yield { partition, offset: from + BigInt(index) };
      }
    }
  }

  return {
    expect: (partition, offset) =>
      update(partition, offset, (byte) => {
        expected++;
        return byte | present;
      }),
    outcome: (partition, offset) =>
      update(partition, offset, (byte) => ((byte & outcomes) === outcomes ? byte : byte + 1)),
    deadLetter: (partition, offset) => update(partition, offset, (byte) => byte | deadLettered),
    get expected() {
      return expected;
    },
    lost: () => places((byte) => ((byte & (outcomes | deadLettered)) === 0 ? 1 : 0)),
    duplicates: () => places((byte) => Math.max(0, (byte & outcomes) - 1)),
  };
}
