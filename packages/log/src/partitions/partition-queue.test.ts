import { describe, expect, it } from 'vitest';
import { PartitionQueue } from './partition-queue.ts';

const limits = { maxRecords: 3, maxBytes: 1_000_000, lingerMs: 10, restMs: 100 };

function queueOf(count: number, now: number, queue = new PartitionQueue(limits)): PartitionQueue {
  const records = Array.from({ length: count }, (_, index) => {
    const offset = BigInt(index);
    return { topic: 'images', partition: 0, offset, timestamp: 0, key: null, value: null, headers: {} };
  });
  queue.add({ records, from: 0n, next: BigInt(count), high: BigInt(count) }, now);
  return queue;
}

describe('a partition’s queue', () => {
  it('releases a record after a pause when it has lingered', () => {
    const queue = queueOf(1, 0);
    expect(queue.wait(0)).toBe(10);
    queue.take(10);
    expect(queueOf(1, 500, queue).wait(500)).toBe(10);
  });

  it('rests after a batch and batches the records of the rest', () => {
    const queue = queueOf(1, 0);
    queue.take(10);
    expect(queueOf(1, 20, queue).wait(20)).toBe(90);
    expect(queueOf(1, 105, queue).wait(105)).toBe(5);
    expect(queue.wait(110)).toBe(0);
    expect(queue.take(110).records).toHaveLength(2);
  });

  it('does not rest while batches are full', () => {
    const queue = queueOf(7, 0);
    for (const rest of [4, 1]) {
      expect(queue.wait(0)).toBe(0);
      expect(queue.take(0).records).toHaveLength(3);
      expect(queue.length).toBe(rest);
    }
    expect(queue.wait(0)).toBe(100);
  });
});
