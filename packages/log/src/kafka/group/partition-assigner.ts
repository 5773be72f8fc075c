/**
 * The assignment of partitions in Kafka's group protocol: partition i of all topics goes to one member. Each member
 * puts its former partitions, and those whose state is on its disk, into its metadata, so that the leader can assign
 * them again.
 */
import { assignPartitions } from '../../partitions/partition-assignment.ts';
import { type Assigner, AssignerProtocol } from '../client/kafkajs.ts';
import { decodeMetadata, encodeMetadata, type MemberMetadata } from './member-metadata.ts';

export const assignerName = 'headwater-partitions';
const version = 1;

/** `metadata` is called at each join. */
export function createPartitionAssigner(partitions: number, metadata: () => MemberMetadata): Assigner {
  return {
    name: assignerName,
    version,
    protocol: ({ topics }) => ({
      name: assignerName,
      metadata: AssignerProtocol.MemberMetadata.encode({
        version,
        topics: [...topics],
        userData: encodeMetadata(metadata()),
      }),
    }),
    assign: async ({ members, topics }) => {
      const claims = members.map(({ memberId, memberMetadata }) => ({
        id: memberId,
        ...decodeMetadata(AssignerProtocol.MemberMetadata.decode(memberMetadata)?.userData),
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
