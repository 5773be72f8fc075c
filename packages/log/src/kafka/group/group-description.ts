/** Reads the owner and the address of each partition from Kafka's DescribeGroups. */
import type { GroupDescription, GroupMemberDescription } from '../../api.ts';
import { AssignerProtocol } from '../client/kafkajs.ts';
import { decodeMetadata } from './member-metadata.ts';

/** The part of a response to DescribeGroups that is read. */
export interface DescribedGroup {
  readonly state: string;
  readonly members: readonly {
    readonly memberId: string;
    readonly memberMetadata: Buffer;
    readonly memberAssignment: Buffer;
  }[];
}

export function describeMembers(group: DescribedGroup | undefined): GroupDescription {
  if (group === undefined) return { isStable: true, members: [] };
  const isStable = !['PreparingRebalance', 'CompletingRebalance'].includes(group.state);
  return { isStable, members: group.members.map((member) => describeMember(member, isStable)) };
}

/** All topics of a group have the same assignment. While a group rebalances, its metadata may be missing. */
function describeMember(
  { memberId, memberMetadata, memberAssignment }: DescribedGroup['members'][number],
  isStable: boolean,
): GroupMemberDescription {
  const metadata = decode(memberMetadata, (bytes) => AssignerProtocol.MemberMetadata.decode(bytes));
  const assignment = isStable
    ? decode(memberAssignment, (bytes) => AssignerProtocol.MemberAssignment.decode(bytes))
    : null;
  const [partitions = []] = Object.values(assignment?.assignment ?? {});
  return {
    id: memberId,
    address: decodeMetadata(metadata?.userData).address,
    partitions: [...partitions].sort((a, b) => a - b),
  };
}

/** Any client can join a group and write what it likes: invalid bytes of one member must not hide the others. */
function decode<T>(bytes: Buffer, read: (bytes: Buffer) => T): T | null {
  if (bytes.length === 0) return null;
  try {
    return read(bytes);
  } catch {
    return null;
  }
}
