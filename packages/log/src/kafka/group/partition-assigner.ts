/**
 * The lanes' assignment in Kafka's group protocol: partition i of all topics goes to one member, and each
 * member says in its metadata which lanes it had, so that the leader can give them back.
 */
import { assignLanes } from '../../partitions/partition-assignment.ts';
import { type Assigner, AssignerProtocol } from '../client/kafkajs.ts';

export const assignerName = 'headwater-lanes';
const version = 1;

/** `former` is asked at each join. */
export function createLaneAssigner(lanes: number, former: () => readonly number[]): Assigner {
  return {
    name: assignerName,
    version,
    protocol: ({ topics }) => ({
      name: assignerName,
      metadata: AssignerProtocol.MemberMetadata.encode({
        version,
        topics: [...topics],
        userData: encodeLanes(former()),
      }),
    }),
    assign: async ({ members, topics }) => {
      const claims = members.map(({ memberId, memberMetadata }) => ({
        id: memberId,
        former: decodeLanes(AssignerProtocol.MemberMetadata.decode(memberMetadata)?.userData),
      }));
      return [...assignLanes(lanes, claims)].map(([memberId, own]) => ({
        memberId,
        memberAssignment: AssignerProtocol.MemberAssignment.encode({
          version,
          assignment: Object.fromEntries(topics.map((topic) => [topic, [...own]])),
          userData: Buffer.alloc(0),
        }),
      }));
    },
  };
}

function encodeLanes(lanes: readonly number[]): Buffer {
  return Buffer.from(lanes.join(','), 'ascii');
}

/** What another version wrote counts as nothing: the assignment is then only less sticky. */
function decodeLanes(userData: Buffer | undefined): number[] {
  const text = userData?.toString('ascii') ?? '';
  return /^\d+(,\d+)*$/.test(text) ? text.split(',').map(Number) : [];
}
