/**
 * The assignment of partitions in Kafka's group protocol: partition i of all topics goes to one member. Each member
 * puts its former partitions into its metadata, so that the leader can assign them again.
 */
import { assignPartitions } from '../../partitions/partition-assignment.ts';
import { type Assigner, AssignerProtocol } from '../client/kafkajs.ts';

export const assignerName = 'headwater-partitions';
const version = 1;

/** The first byte of the metadata: members with another layout of the rest count as new. */
const userDataVersion = 1;

/** `former` is called at each join. */
export function createPartitionAssigner(partitions: number, former: () => readonly number[]): Assigner {
  return {
    name: assignerName,
    version,
    protocol: ({ topics }) => ({
      name: assignerName,
      metadata: AssignerProtocol.MemberMetadata.encode({
        version,
        topics: [...topics],
        userData: encodePartitions(former()),
      }),
    }),
    assign: async ({ members, topics }) => {
      const claims = members.map(({ memberId, memberMetadata }) => ({
        id: memberId,
        former: decodePartitions(AssignerProtocol.MemberMetadata.decode(memberMetadata)?.userData),
      }));
      return [...assignPartitions(partitions, claims)].map(([memberId, own]) => ({
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

function encodePartitions(partitions: readonly number[]): Buffer {
  return Buffer.concat([Buffer.of(userDataVersion), Buffer.from(partitions.join(','), 'ascii')]);
}

/** Metadata of another version is ignored: the assignment is then only less sticky. */
function decodePartitions(userData: Buffer | undefined): number[] {
  if (userData?.[0] !== userDataVersion) return [];
  const text = userData.toString('ascii', 1);
  return /^\d+(,\d+)*$/.test(text) ? text.split(',').map(Number) : [];
}
