/** The count finds each kind of violation, and nothing in a sound run. */
import { describe, expect, it } from 'vitest';
import { Counting } from './counting.ts';
import type { Call } from './ledger.ts';

const call = (sender: string, first: number, count: number, more: Partial<Call> = {}): Call => ({
  sender,
  first,
  count,
  isAcknowledged: true,
  isAtomic: false,
  ...more,
});
const calls = [
  call('a', 0, 2),
  call('a', 2, 2),
  call('b', 0, 2, { isAtomic: true }),
  call('b', 2, 2, { isAtomic: true, isAcknowledged: false }),
];
const right: [partition: number, value: string][] = [
  [0, 'a 0'],
  [1, 'a 1'],
  [0, 'b 0'],
  [0, 'a 2'],
  [1, 'b 1'],
  [1, 'a 3'],
];

function countsOf(records: readonly [number, string][]) {
  const counting = new Counting();
  for (const [partition, value] of records) counting.add('t', partition, value);
  return counting.compare({ calls });
}

const none = { missing: 0, twice: 0, outOfOrder: 0, torn: 0, foreign: 0, findings: [] };

describe('a count', () => {
  it('finds nothing where every record is there once, and a transaction in doubt wholly or not at all', () => {
    expect(countsOf(right)).toEqual(none);
    expect(countsOf([...right, [0, 'b 2'], [1, 'b 3']])).toEqual(none);
  });

  it('finds a missing record', () => {
    expect(countsOf(right.slice(1))).toEqual({ ...none, missing: 1, findings: ['missing: a 0'] });
  });

  it('finds a duplicate, also in another partition', () => {
    expect(countsOf([...right, [0, 'a 3']])).toMatchObject({
      ...none,
      twice: 1,
      findings: ['there 2 times: a 3'],
    });
  });

  it('finds a record behind a later one of its sender', () => {
    const swapped = right.map(([partition, value]): [number, string] => [
      partition,
      value === 'a 0' ? 'a 2' : value === 'a 2' ? 'a 0' : value,
    ]);
    expect(countsOf(swapped)).toMatchObject({
      ...none,
      outOfOrder: 1,
      findings: ['out of order: t-0 a 0 after 2'],
    });
  });

  it('finds a transaction in doubt that is there in part', () => {
    const findings = ['torn: 1 of 2 records of b from 2 on'];
    expect(countsOf([...right, [0, 'b 3']])).toEqual({ ...none, torn: 1, findings });
  });

  it('finds a record without a sender', () => {
    expect(countsOf([...right, [0, 'c 0']])).toEqual({ ...none, foreign: 1, findings: ['foreign: c 0'] });
  });
});
