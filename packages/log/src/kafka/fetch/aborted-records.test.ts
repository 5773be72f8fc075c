import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { AbortedTransaction } from '../client/kafkajs.ts';
import type { RawRecord } from '../client/raw-record.ts';
import { withoutAborted } from './aborted-records.ts';

const committed = Buffer.from([0, 0, 0, 1]);
const abortedKey = Buffer.from([0, 0, 0, 0]);

function record(offset: number, producerId: string, key: Buffer | null, isControlRecord: boolean): RawRecord {
  const batchContext = { producerId, inTransaction: true };
  return {
    offset: String(offset),
    timestamp: '0',
    key,
    value: null,
    headers: {},
    isControlRecord,
    batchContext,
  };
}

/** A log that producers write in turns: the stored records, and those that a reader may return. */
function play(steps: readonly { readonly producer: number; readonly step: 'write' | 'commit' | 'abort' }[]) {
  const records: RawRecord[] = [];
  const aborted: AbortedTransaction[] = [];
  const open = new Map<string, number[]>();
  const readable: number[] = [];
  for (const { producer, step } of steps) {
    const producerId = String(producer);
    const offset = records.length;
    const written = open.get(producerId) ?? [];
    if (step === 'write') {
      records.push(record(offset, producerId, null, false));
      open.set(producerId, [...written, offset]);
    } else if (written.length > 0) {
      records.push(record(offset, producerId, step === 'commit' ? committed : abortedKey, true));
      if (step === 'commit') readable.push(...written);
      else aborted.push({ producerId, firstOffset: String(written[0]) });
      open.delete(producerId);
    }
  }
  const end = Math.min(records.length, ...[...open.values()].map(([first]) => first ?? records.length));
  return {
    records: records.slice(0, end),
    aborted,
    readable: readable.filter((offset) => offset < end).sort((a, b) => a - b),
  };
}

describe('records of aborted transactions', () => {
  it('are removed when transactions interleave and end in another order', () => {
    const { records, aborted } = play([
      { producer: 1, step: 'write' },
      { producer: 2, step: 'write' },
      { producer: 1, step: 'write' },
      { producer: 2, step: 'abort' },
      { producer: 1, step: 'abort' },
    ]);
    expect(aborted.map(({ firstOffset }) => firstOffset)).toEqual(['1', '0']);
    expect(withoutAborted(records, aborted)).toEqual([]);
  });

  it('are removed in every log that three producers can write', () => {
    const step = fc.record({
      producer: fc.integer({ min: 1, max: 3 }),
      step: fc.constantFrom('write' as const, 'write' as const, 'commit' as const, 'abort' as const),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const { records, aborted, readable } = play(steps);
        expect(withoutAborted(records, aborted).map(({ offset }) => Number(offset))).toEqual(readable);
      }),
    );
  });
});
