/**
 * Committed offsets of a group. kafkajs' admin is not used: it requests the partitions in its current metadata, which
 * may be none while another topic is requested. Its empty response would mean "nothing committed", and a partition
 * would restart at its first record.
 */
import { HeadwaterError } from '@headwater/errors';
import { rootOf } from '../client/failures.ts';
import type { Broker } from '../client/kafkajs.ts';
import type { SharedCluster } from '../client/shared-cluster.ts';
import { offsetFetch, offsetFetchKey, offsetFetchVersion } from './offset-fetch.ts';

/** kafkajs' OffsetCommit, which `Broker` omits. */
interface CommittingBroker extends Broker {
  offsetCommit(request: {
    readonly groupId: string;
    readonly groupGenerationId: number;
    readonly memberId: string;
    readonly topics: readonly {
      readonly topic: string;
      readonly partitions: readonly { readonly partition: number; readonly offset: string }[];
    }[];
  }): Promise<unknown>;
}

const outsideOfGroup = { groupGenerationId: -1, memberId: '' };

export class GroupOffsets {
  readonly #cluster: SharedCluster;

  constructor(cluster: SharedCluster) {
    this.#cluster = cluster;
  }

  /** Committed offsets of the partitions, in their order; undefined where there is none. */
  latest(group: string, topic: string, partitions: readonly number[]): Promise<(bigint | undefined)[]> {
    return this.#fetch(group, topic, partitions, false);
  }

  /** Committed offset of one partition, after all pending transactions that could move it have ended. */
  async settled(group: string, topic: string, partition: number): Promise<bigint | undefined> {
    return (await this.#fetch(group, topic, [partition], true))[0];
  }

  /** Sets offsets of a group without members. Errors: request-invalid where the group has members. */
  commit(group: string, topic: string, offsets: ReadonlyMap<number, bigint>): Promise<void> {
    const partitions = [...offsets].map(([partition, offset]) => ({ partition, offset: String(offset) }));
    return this.#cluster.attempt(`setting the offsets of group ${group}`, [], async (cluster) => {
      const coordinator = (await cluster.findGroupCoordinator({ groupId: group })) as CommittingBroker;
      const request = { groupId: group, ...outsideOfGroup, topics: [{ topic, partitions }] };
      await coordinator.offsetCommit(request).catch((thrown: unknown) => {
        throw isRejectedForMembers(thrown) ? hasMembers(group, thrown) : thrown;
      });
    });
  }

  #fetch(
    group: string,
    topic: string,
    partitions: readonly number[],
    stable: boolean,
  ): Promise<(bigint | undefined)[]> {
    return this.#cluster.attempt(`reading the offsets of group ${group}`, [], async (cluster) => {
      const coordinator = await cluster.findGroupCoordinator({ groupId: group });
      rejectOld(coordinator);
      const offsets = await coordinator.connectionPool.send(
        offsetFetch({ group, topic, partitions, stable }),
      );
      return partitions.map((partition) => committedOf(offsets.get(partition), topic, partition));
    });
  }
}

function isRejectedForMembers(thrown: unknown): boolean {
  return ['UNKNOWN_MEMBER_ID', 'ILLEGAL_GENERATION'].includes(rootOf(thrown).type ?? '');
}

function hasMembers(group: string, cause: unknown): HeadwaterError {
  const message = `group ${group} has members; stop its services before setting its offsets`;
  return new HeadwaterError('request-invalid', message, { cause });
}

/** A response without the partition does not mean that nothing is committed. */
function committedOf(offset: bigint | undefined, topic: string, partition: number): bigint | undefined {
  if (offset === undefined) {
    const message = `Kafka returned no committed offset for ${topic}-${partition}`;
    throw new HeadwaterError('log-unavailable', message);
  }
  return offset < 0n ? undefined : offset;
}

function rejectOld({ versions }: Broker): void {
  if ((versions[offsetFetchKey]?.maxVersion ?? 0) >= offsetFetchVersion) return;
  const message =
    'the brokers are older than Kafka 2.5, the first version that reports stable offsets; upgrade them';
  throw new HeadwaterError('prerequisite-missing', message);
}
