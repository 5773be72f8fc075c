import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { assignPartitions } from './partition-assignment.ts';

const members = fc.uniqueArray(fc.record({ id: fc.string({ minLength: 1 }), former: fc.array(fc.nat(20)) }), {
  minLength: 1,
  maxLength: 6,
  selector: ({ id }) => id,
});

describe('the assignment of partitions', () => {
  it('assigns every partition to exactly one member, evenly, for any claims', () => {
    fc.assert(
      fc.property(fc.nat(20), members, (partitions, claims) => {
        const assigned = [...assignPartitions(partitions, claims).values()];
        expect(assigned.flat().sort((a, b) => a - b)).toEqual(
          Array.from({ length: partitions }, (_, partition) => partition),
        );
        const loads = assigned.map(({ length }) => length);
        expect(Math.max(...loads) - Math.min(...loads)).toBeLessThanOrEqual(1);
      }),
    );
  });

  it('does not depend on the order of the members', () => {
    fc.assert(
      fc.property(fc.nat(20), members, (partitions, claims) => {
        expect(assignPartitions(partitions, [...claims].reverse())).toEqual(
          assignPartitions(partitions, claims),
        );
      }),
    );
  });

  it('keeps partitions in place when a member joins or leaves', () => {
    const three = assignPartitions(6, [
      { id: 'a', former: [0, 1, 2] },
      { id: 'b', former: [3, 4, 5] },
      { id: 'c', former: [] },
    ]);
    expect([...three]).toEqual([
      ['a', [0, 1]],
      ['b', [3, 4]],
      ['c', [2, 5]],
    ]);
    const two = assignPartitions(6, [
      { id: 'a', former: [0, 1] },
      { id: 'c', former: [2, 5] },
    ]);
    expect(two.get('a')).toEqual(expect.arrayContaining([0, 1]));
    expect(two.get('c')).toEqual(expect.arrayContaining([2, 5]));
  });
});
