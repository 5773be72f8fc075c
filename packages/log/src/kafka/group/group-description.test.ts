import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AssignerProtocol } from '../client/kafkajs.ts';
import { type DescribedGroup, describeMembers } from './group-description.ts';
import { encodeMetadata } from './member-metadata.ts';

const address = 'http://classify-0:8082';
const member: DescribedGroup['members'][number] = {
  memberId: 'a',
  memberMetadata: AssignerProtocol.MemberMetadata.encode({
    version: 0,
    topics: ['labels'],
    userData: encodeMetadata({ former: [], address }),
  }),
  memberAssignment: AssignerProtocol.MemberAssignment.encode({
    version: 0,
    assignment: { labels: [2, 0] },
    userData: Buffer.alloc(0),
  }),
};

describe('the description of a group', () => {
  it('has the address and the partitions of each member', () => {
    const group = { state: 'Stable', members: [member] };
    expect(describeMembers(group)).toEqual({
      isStable: true,
      members: [{ id: 'a', address, partitions: [0, 2] }],
    });
  });

  it('has no partitions while the group rebalances', () => {
    const { isStable, members } = describeMembers({ state: 'PreparingRebalance', members: [member] });
    expect([isStable, members[0]?.partitions]).toEqual([false, []]);
  });

  it('keeps its members when one of them has written invalid metadata', () => {
    const bytes = fc.uint8Array({ maxLength: 64 }).map((given) => Buffer.from(given));
    fc.assert(
      fc.property(bytes, bytes, (memberMetadata, memberAssignment) => {
        const other = { memberId: 'b', memberMetadata, memberAssignment };
        const { members } = describeMembers({ state: 'Stable', members: [other, member] });
        expect(members).toHaveLength(2);
        expect(members[1]).toEqual({ id: 'a', address, partitions: [0, 2] });
        expect(members[0]?.partitions.every((one) => Number.isInteger(one))).toBe(true);
      }),
    );
  });
});
