/** Topics, offsets and groups of a cluster. */
import { HeadwaterError } from '@headwater/errors';
import type { LogAdmin, OffsetRange, TopicSpec } from '../api.ts';
import { wayOut } from '../partition-watch.ts';
import { attempt } from './attempts.ts';
import { asLogError, rootOf } from './failures.ts';
import type { GroupOffsets } from './group-offsets.ts';
import type { Admin } from './kafkajs.ts';
import type { PartitionReader } from './partition-reader.ts';
import type { TableOfTopics } from './table-of-topics.ts';

export class KafkaAdmin implements LogAdmin {
  readonly #admin: () => Promise<Admin>;
  readonly #topics: TableOfTopics;
  readonly #reader: PartitionReader;
  readonly #groups: GroupOffsets;

  constructor(
    admin: () => Promise<Admin>,
    topics: TableOfTopics,
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
        `these topics do not exist, and may not be created here: ${names}`,
      );
    }
    if (missing.length > 0) await this.#create(missing);
    for (const [index, { name, partitions }] of specs.entries()) {
      const found = counts[index] ?? (await this.partitions(name)) ?? partitions;
      if (found === partitions) continue;
      const message = `topic ${name} has ${found} partitions, not ${partitions}; ${wayOut(partitions)}`;
      throw new HeadwaterError('topic-mismatch', message);
    }
  }

  partitions(topic: string): Promise<number | undefined> {
    return attempt(`asking for topic ${topic}`, () => this.#topics.partitions(topic));
  }

  describe(topic: string): Promise<TopicSpec | undefined> {
    return attempt(`describing topic ${topic}`, () => this.#topics.describe(topic));
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

  async members(group: string): Promise<number> {
    const admin = await this.#admin();
    const { groups } = await attempt(`asking for group ${group}`, () => admin.describeGroups([group]));
    return groups[0]?.members.length ?? 0;
  }

  async deleteRecords(topic: string, before: ReadonlyMap<number, bigint>): Promise<void> {
    const ranges = await this.offsets(topic);
    const partitions = [...before]
      .filter(([partition, offset]) => offset > (ranges[partition]?.low ?? offset))
      .map(([partition, offset]) => ({ partition, offset: String(offset) }));
    if (partitions.length === 0) return;
    const admin = await this.#admin();
    await admin.deleteTopicRecords({ topic, partitions }).catch((thrown: unknown) => {
      throw asLogError(thrown, `deleting records of ${topic}`);
    });
  }

  async deleteTopics(topics: readonly string[]): Promise<void> {
    if (topics.length === 0) return;
    const admin = await this.#admin();
    await admin.deleteTopics({ topics: [...topics] }).catch((thrown: unknown) => {
      throw asLogError(thrown, `deleting ${topics.join(', ')}`);
    });
    this.#topics.deleted(topics);
    await this.#reader.forget(topics);
  }

  async deleteGroups(groups: readonly string[]): Promise<void> {
    if (groups.length === 0) return;
    const admin = await this.#admin();
    await admin.deleteGroups([...groups]).catch((thrown: unknown) => {
      if (isOfUnknownGroups(thrown)) return;
      throw asLogError(thrown, `deleting ${groups.join(', ')}`);
    });
  }

  /** Another process may be creating the same topics: that is as good. */
  async #create(specs: readonly TopicSpec[]): Promise<void> {
    const admin = await this.#admin();
    try {
      await admin.createTopics({
        // kafkajs' own wait gives up where a broker has not heard of a topic yet that it has just created.
        waitForLeaders: false,
        topics: specs.map(({ name, partitions, replicationFactor = -1, settings }) => ({
          topic: name,
          numPartitions: partitions,
          replicationFactor,
          configEntries: Object.entries(settings).map(([setting, value]) => ({ name: setting, value })),
        })),
      });
    } catch (thrown) {
      if (rootOf(thrown).type !== 'TOPIC_ALREADY_EXISTS') {
        throw asLogError(thrown, `creating ${specs.map(({ name }) => name).join(', ')}`);
      }
    }
    for (const { name } of specs) await this.#awaitTopic(name);
  }

  #awaitTopic(name: string): Promise<void> {
    return attempt(
      `waiting for topic ${name}`,
      async () => {
        if ((await this.#topics.partitions(name)) !== undefined) return;
        throw new HeadwaterError('topic-missing', `topic ${name} was created, and no broker knows it`);
      },
      (thrown) => ['log-unavailable', 'topic-missing'].includes(asLogError(thrown, '').code),
    );
  }
}

/** Kafka deletes those that it knows, and answers this of those that it does not: they are as good as deleted. */
function isOfUnknownGroups(thrown: unknown): boolean {
  const { groups } = thrown as { groups?: readonly { readonly errorCode: number }[] };
  return Array.isArray(groups) && groups.length > 0 && groups.every(({ errorCode }) => errorCode === 69);
}
