import { describe, expect, it } from 'vitest';
import { MemoryPartition } from './partition.ts';

const forever = { bytes: Number.POSITIVE_INFINITY, ms: Number.POSITIVE_INFINITY };

function fill(partition: MemoryPartition, count: number, keys: number): void {
  for (let index = 0; index < count; index += 1) {
    const key = Buffer.from(`key-${index % keys}`);
    partition.append({
      topic: 't',
      partition: 0,
      timestamp: Date.now(),
      key,
      value: Buffer.alloc(100),
      headers: {},
    });
  }
}

function readAll(partition: MemoryPartition) {
  const records = [];
  for (let at = partition.range.low; at < partition.range.high; ) {
    const chunk = partition.read(at);
    records.push(...chunk.records);
    at = chunk.next;
  }
  return records;
}

describe('a partition in memory', () => {
  it('compaction keeps the newest record of each key at its offset', () => {
    const partition = new MemoryPartition({ compact: true, ...forever });
    fill(partition, 20_000, 10);
    const records = readAll(partition);
    expect(records.length).toBeLessThan(3_000);
    expect(records.slice(-10).map(({ offset }) => offset)).toEqual(
      Array.from({ length: 10 }, (_, index) => BigInt(19_990 + index)),
    );
    expect(new Set(records.map(({ key }) => key?.toString())).size).toBe(10);
    expect(partition.range).toEqual({ low: 0n, high: 20_000n });
  });

  it('deletes its oldest records over the limit and rejects reads of those', () => {
    const partition = new MemoryPartition({ compact: false, ...forever, bytes: 50_000 });
    fill(partition, 10_000, 10);
    expect(partition.range.low).toBeGreaterThan(7_000n);
    expect(readAll(partition)[0]?.offset).toBe(partition.range.low);
    expect(() => partition.read(0n)).toThrow(/offset 0 is not in the log/);
  });

  it('ends a bounded read at the end of the range', () => {
    const partition = new MemoryPartition({ compact: false, ...forever });
    fill(partition, 10, 10);
    expect(partition.read(3n, 5n)).toMatchObject({ records: [{ offset: 3n }, { offset: 4n }], next: 5n });
    expect(partition.read(10n)).toEqual({ records: [], next: 10n });
  });
});
