/** Topics, offsets and groups of a cluster. */
import { HeadwaterError } from '@headwater/errors';
import type { ClusterReplication, GroupDescription, LogAdmin, OffsetRange, TopicSpec } from '../../api.ts';
import { repartitionRemedy } from '../../partitions/partition-watch.ts';
import { withRetries } from '../client/attempts.ts';
import { asLogError, rootOf } from '../client/failures.ts';
import type { Admin } from '../client/kafkajs.ts';
import type { PartitionReader } from '../fetch/partition-reader.ts';
import { describeMembers } from '../group/group-description.ts';
import type { GroupOffsets } from '../group/group-offsets.ts';
import { readReplication } from './kafka-replication.ts';
import type { TopicTable } from './topic-table.ts';

export class KafkaAdmin implements LogAdmin {
  readonly #admin: () => Promise<Admin>;
  readonly #topics: TopicTable;
  readonly #reader: PartitionReader;
  readonly #groups: GroupOffsets;

  constructor(
    admin: () => Promise<Admin>,
    topics: TopicTable,
    reader: PartitionReader,
    groups: GroupOffsets,
  ) {
    this.#admin = admin;
    this.#topics = topics;
    this.#reader = reader;
    this.#groups = groups;
  }

  async ensureTopics(specs: readonly TopicSpec[], { create }: { readonly create: boolean }): Promise<void> {
    const counts = await Promise.all(specs.map(({ name }) => this.partitions(name)));
    const missing = specs.filter((_, index) => counts[index] === undefined);
    if (missing.length > 0 && !create) {
      const names = missing.map(({ name }) => name).join(', ');
      throw new HeadwaterError(
        'topic-missing',
        `missing topics: ${names}; create them, or allow their creation`,
      );
    }
    if (missing.length > 0) await this.#create(missing);
    for (const [index, { name, partitions }] of specs.entries()) {
      const found = counts[index] ?? (await this.partitions(name)) ?? partitions;
      if (found === partitions) continue;
      const message = `topic ${name} has ${found} partitions, not ${partitions}; ${repartitionRemedy(partitions)}`;
      throw new HeadwaterError('topic-mismatch', message);
    }
  }

  partitions(topic: string): Promise<number | undefined> {
    return withRetries(`reading the metadata of topic ${topic}`, () => this.#topics.partitions(topic));
  }

  describe(topic: string): Promise<TopicSpec | undefined> {
    return withRetries(`describing topic ${topic}`, () => this.#topics.describe(topic));
  }

  offsets(topic: string): Promise<readonly OffsetRange[]> {
    return this.#reader.ranges(topic);
  }

  async committed(group: string, topic: string): Promise<readonly (bigint | undefined)[]> {
    const count = await this.partitions(topic);
    if (count === undefined) throw new HeadwaterError('topic-missing', `topic ${topic} does not exist`);
    return this.#groups.latest(group, topic, [...Array(count).keys()]);
  }

  commit(group: string, topic: string, offsets: ReadonlyMap<number, bigint>): Promise<void> {
    return this.#groups.commit(group, topic, offsets);
  }

  async replication(topics: readonly string[]): Promise<ClusterReplication> {
    return readReplication(await this.#admin(), topics);
  }

  async describeGroup(group: string): Promise<GroupDescription> {
    const admin = await this.#admin();
    const { groups } = await withRetries(`describing group ${group}`, () => admin.describeGroups([group]));
    return describeMembers(groups[0]);
  }

  /** Each attempt looks up the leaders and omits records that are already deleted. */
  async deleteRecords(topic: string, before: ReadonlyMap<number, bigint>): Promise<void> {
    await withRetries(`deleting records of ${topic}`, async () => {
      const ranges = await this.offsets(topic);
      const partitions = [...before]
        .filter(([partition, offset]) => offset > (ranges[partition]?.low ?? offset))
        .map(([partition, offset]) => ({ partition, offset: String(offset) }));
      if (partitions.length > 0) await (await this.#admin()).deleteTopicRecords({ topic, partitions });
    });
  }

  /** A missing topic counts as deleted: the response of an earlier attempt may have been lost. */
  async deleteTopics(topics: readonly string[]): Promise<void> {
    await withRetries(`deleting ${topics.join(', ')}`, async () => {
      const counts = await Promise.all(topics.map((topic) => this.#topics.partitions(topic)));
      const existing = topics.filter((_, index) => counts[index] !== undefined);
      if (existing.length > 0) await (await this.#admin()).deleteTopics({ topics: existing });
    });
    this.#topics.deleted(topics);
    await this.#reader.forget(topics);
  }

  async deleteGroups(groups: readonly string[]): Promise<void> {
    if (groups.length === 0) return;
    const operation = `deleting ${groups.join(', ')}`;
    const work = async () => {
      const admin = await this.#admin();
      await admin.deleteGroups([...groups]).catch((thrown: unknown) => {
        if (!isOfGroups(thrown, [unknownGroup])) throw thrown;
      });
    };
    const mayPass = (thrown: unknown) =>
      isOfGroups(thrown, [unknownGroup, ...coordinatorMoved]) ||
      (!hasGroups(thrown) && asLogError(thrown, operation).verdict === 'retry');
    await withRetries(operation, work, mayPass);
  }

  async #create(specs: readonly TopicSpec[]): Promise<void> {
    const names = specs.map(({ name }) => name);
    await withRetries(`creating ${names.join(', ')}`, () => this.#createOnce(specs));
    for (const name of names) await this.#awaitTopic(name);
  }

  /** Accepts topics that another process, or an attempt whose response was lost, has created. */
  async #createOnce(specs: readonly TopicSpec[]): Promise<void> {
    const admin = await this.#admin();
    try {
      await admin.createTopics({
        // The wait of kafkajs fails where a broker does not know a topic yet that it has just created.
        waitForLeaders: false,
        topics: specs.map(({ name, partitions, replicationFactor = -1, settings }) => ({
          topic: name,
          numPartitions: partitions,
          replicationFactor,
          configEntries: Object.entries(settings).map(([setting, value]) => ({ name: setting, value })),
        })),
      });
    } catch (thrown) {
      const failure = failuresOf(thrown).find((one) => rootOf(one).type !== 'TOPIC_ALREADY_EXISTS');
      if (failure !== undefined) throw failure;
    }
  }

  #awaitTopic(name: string): Promise<void> {
    return withRetries(
      `waiting for topic ${name}`,
      async () => {
        if ((await this.#topics.partitions(name)) !== undefined) return;
        throw new HeadwaterError(
          'topic-missing',
          `topic ${name} was created but is not in the metadata of any broker`,
        );
      },
      (thrown) => ['log-unavailable', 'topic-missing'].includes(asLogError(thrown, '').code),
    );
  }
}

/** The errors of the topics of one request, which kafkajs combines into one. */
function failuresOf(thrown: unknown): readonly unknown[] {
  const { errors } = thrown as { readonly errors?: readonly unknown[] };
  return errors !== undefined && errors.length > 0 ? errors : [thrown];
}

/** GROUP_ID_NOT_FOUND: Kafka deletes the known groups and reports this for the others, which count as deleted. */
const unknownGroup = 69;
/** COORDINATOR_LOAD_IN_PROGRESS, COORDINATOR_NOT_AVAILABLE, NOT_COORDINATOR. */
const coordinatorMoved = [14, 15, 16];

interface GroupsFailure {
  readonly groups?: readonly { readonly errorCode: number }[];
}

function hasGroups(thrown: unknown): boolean {
  return Array.isArray((thrown as GroupsFailure).groups);
}

function isOfGroups(thrown: unknown, codes: readonly number[]): boolean {
  const { groups = [] } = thrown as GroupsFailure;
  return groups.length > 0 && groups.every(({ errorCode }) => codes.includes(errorCode));
}
