import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { assignPartitions, type GroupMemberClaim } from './partition-assignment.ts';

const stores = fc
  .array(fc.tuple(fc.nat(20), fc.bigInt({ min: 0n, max: 5n })))
  .map((entries) => new Map(entries));
const claim = fc.record({
  id: fc.string({ minLength: 1 }),
  former: fc.array(fc.nat(20)),
  stored: fc.option(stores, { nil: undefined }),
});
const members = fc.uniqueArray(claim, { minLength: 1, maxLength: 6, selector: ({ id }) => id });

/** The assignment of a group whose members have these partitions, and stores of them. */
function claimsOf(assigned: ReadonlyMap<string, readonly number[]>) {
  return [...assigned].map(([id, former]) => ({
    id,
    former,
    stored: new Map(former.map((partition) => [partition, 9n])),
  }));
}

const groups = fc.record({ partitions: fc.nat(30), size: fc.integer({ min: 2, max: 6 }), which: fc.nat(5) });
const stableGroup = (partitions: number, size: number) =>
  assignPartitions(
    partitions,
    Array.from({ length: size }, (_, index) => ({ id: `member-${index}`, former: [] })),
  );

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

  it('moves nothing in a group whose members stay', () => {
    fc.assert(
      fc.property(groups, ({ partitions, size }) => {
        const assigned = stableGroup(partitions, size);
        expect(assignPartitions(partitions, claimsOf(assigned))).toEqual(assigned);
      }),
    );
  });

  it('moves only what a member that leaves had, or what one that joins gets', () => {
    fc.assert(
      fc.property(groups, ({ partitions, size, which }) => {
        const before = claimsOf(stableGroup(partitions, size));
        const smaller = before.filter((_, index) => index !== which % size);
        for (const { id, former } of smaller)
          expect(assignPartitions(partitions, smaller).get(id)).toEqual(expect.arrayContaining([...former]));
        const larger = assignPartitions(partitions, [...before, { id: 'new', former: [] }]);
        for (const { id, former } of before) {
          const own = larger.get(id) ?? [];
          expect(own.filter((partition) => !former.includes(partition))).toEqual([]);
        }
      }),
    );
  });

  it('gives a member that returns with its disk its partitions back', () => {
    fc.assert(
      fc.property(groups, ({ partitions, size, which }) => {
        const before = claimsOf(stableGroup(partitions, size));
        const away = before[which % size] ?? { id: '', former: [], stored: new Map<number, bigint>() };
        const without = assignPartitions(
          partitions,
          before.filter(({ id }) => id !== away.id),
        );
        const returned = { id: 'another id', former: [], stored: away.stored };
        const after = assignPartitions(partitions, [...claimsOf(without), returned]);
        const own = after.get(returned.id) ?? [];
        expect(own.filter((partition) => !away.former.includes(partition))).toEqual([]);
        expect(own.length).toBe(Math.min(away.former.length, Math.floor(partitions / size)));
      }),
    );
  });

  it('prefers a live former owner to a store, and the newest store to others', () => {
    const stored = (position: bigint) => new Map([[0, position]]);
    const owner = { id: 'a', former: [0] };
    const older = { id: 'b', former: [], stored: stored(5n) };
    const newer = { id: 'c', former: [], stored: stored(6n) };
    const ownerOf = (...claims: readonly GroupMemberClaim[]) =>
      [...assignPartitions(1, claims)].find(([, own]) => own.includes(0))?.[0];
    expect(ownerOf(owner, older, newer)).toBe('a');
    expect(ownerOf(older, newer)).toBe('c');
    expect(ownerOf({ id: 'a', former: [] }, older)).toBe('b');
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
