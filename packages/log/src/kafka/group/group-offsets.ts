/**
 * What a group has committed. Not asked of kafkajs' admin: that asks for the partitions it happens to know, and while
 * it is asked for another topic at the same time it may know none; its answer then says nothing, which reads like
 * "nothing was committed", and a partition would begin again at its first record.
 */
import { HeadwaterError } from '@headwater/errors';
import { rootOf } from '../client/failures.ts';
import type { Broker } from '../client/kafkajs.ts';
import type { SharedCluster } from '../client/shared-cluster.ts';
import { offsetFetch, offsetFetchKey, offsetFetchVersion } from './offset-fetch.ts';

/** kafkajs' request, which our view of a broker leaves out. */
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

  /** Of each of the partitions, in their order, as committed by now; undefined where nothing was. */
  latest(group: string, topic: string, partitions: readonly number[]): Promise<(bigint | undefined)[]> {
    return this.#ask(group, topic, partitions, false);
  }

  /** Of one partition, when no transaction that was begun before can move it any more. */
  async settled(group: string, topic: string, partition: number): Promise<bigint | undefined> {
    return (await this.#ask(group, topic, [partition], true))[0];
  }

  /** Of a group without members: the coordinator refuses any other. Errors: request-invalid. */
  commit(group: string, topic: string, offsets: ReadonlyMap<number, bigint>): Promise<void> {
    const partitions = [...offsets].map(([partition, offset]) => ({ partition, offset: String(offset) }));
    return this.#cluster.attempt(`setting the offsets of group ${group}`, [], async (cluster) => {
      const coordinator = (await cluster.findGroupCoordinator({ groupId: group })) as CommittingBroker;
      const request = { groupId: group, ...outsideOfGroup, topics: [{ topic, partitions }] };
      await coordinator.offsetCommit(request).catch((thrown: unknown) => {
        throw refusesForMembers(thrown) ? hasMembers(group, thrown) : thrown;
      });
    });
  }

  #ask(
    group: string,
    topic: string,
    partitions: readonly number[],
    stable: boolean,
  ): Promise<(bigint | undefined)[]> {
    return this.#cluster.attempt(`reading the offsets of group ${group}`, [], async (cluster) => {
      const coordinator = await cluster.findGroupCoordinator({ groupId: group });
      refuseOld(coordinator);
      const question = offsetFetch({ group, topic, partitions, stable });
      const told = await coordinator.connectionPool.send(question);
      return partitions.map((partition) => committedOf(told.get(partition), topic, partition));
    });
  }
}

function refusesForMembers(thrown: unknown): boolean {
  return ['UNKNOWN_MEMBER_ID', 'ILLEGAL_GENERATION'].includes(rootOf(thrown).type ?? '');
}

function hasMembers(group: string, cause: unknown): HeadwaterError {
  const message = `group ${group} has members; stop its services before its offsets are set`;
  return new HeadwaterError('request-invalid', message, { cause });
}

/** An answer without the partition is no answer, least of all "nothing". */
function committedOf(told: bigint | undefined, topic: string, partition: number): bigint | undefined {
  if (told === undefined) {
    throw new HeadwaterError('log-unavailable', `Kafka did not tell the offset of ${topic}-${partition}`);
  }
  return told < 0n ? undefined : told;
}

function refuseOld({ versions }: Broker): void {
  if ((versions[offsetFetchKey]?.maxVersion ?? 0) >= offsetFetchVersion) return;
  const message =
    'the brokers are older than Kafka 2.5, which is the first to tell whether an offset is stable';
  throw new HeadwaterError('prerequisite-missing', message);
}
