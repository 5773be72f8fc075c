/**
 * Partition counts and batch limits of topics. A key keeps its partition for the life of the process, also when
 * partitions are added: an image and its erasure must stay in one partition.
 */
import { HeadwaterError } from '@headwater/errors';
import type { TopicSpec } from '../../api.ts';
import type { Logger } from '../../logger.ts';
import { asLogError, rootOf } from '../client/failures.ts';
import type { Admin } from '../client/kafkajs.ts';
import type { TopicShape } from '../produce/routing.ts';

/** Kafka's default for `max.message.bytes`. */
const defaultMaxMessageBytes = 1_048_588;
const topicResource = 2;
/** Kafka's `ConfigSource` of a setting of the topic itself. */
const setForTopic = 1;
/** Limits can change at run time. */
const freshMs = 300_000;

export class TopicTable {
  readonly #admin: () => Promise<Admin>;
  readonly #logger: Logger;
  readonly #known = new Map<string, { readonly shape: TopicShape; readonly since: number }>();
  /** Partition counts at the first write to each topic. */
  readonly #first = new Map<string, number>();

  constructor(admin: () => Promise<Admin>, logger: Logger) {
    this.#admin = admin;
    this.#logger = logger;
  }

  /** Shapes of the topics, for planning sends. Errors: topic-missing, log-unavailable. */
  async shapes(topics: Iterable<string>): Promise<(topic: string) => TopicShape> {
    const shapes = new Map<string, TopicShape>();
    for (const topic of new Set(topics)) shapes.set(topic, await this.#shape(topic));
    return (topic) => {
      const shape = shapes.get(topic);
      if (shape === undefined) throw new HeadwaterError('topic-missing', `topic ${topic} does not exist`);
      return shape;
    };
  }

  /** Partition count; undefined when the topic does not exist. */
  async partitions(topic: string): Promise<number | undefined> {
    return (await this.#metadata(topic))?.length;
  }

  /** The topic and its own settings; undefined when it does not exist. Errors: log-forbidden, log-unavailable. */
  async describe(topic: string): Promise<TopicSpec | undefined> {
    const partitions = await this.#metadata(topic);
    if (partitions === undefined) return undefined;
    const entries = await this.#settings(topic).catch((thrown: unknown) => {
      throw asLogError(thrown, `reading the settings of topic ${topic}`);
    });
    const own = entries.filter(({ configSource }) => configSource === setForTopic);
    return {
      name: topic,
      partitions: partitions.length,
      replicationFactor: partitions[0]?.replicas.length ?? -1,
      settings: Object.fromEntries(own.map(({ configName, configValue }) => [configName, configValue])),
    };
  }

  forget(topics: Iterable<string>): void {
    for (const topic of topics) this.#known.delete(topic);
  }

  /** Forgets deleted topics: a later topic of the same name is a different one. */
  deleted(topics: readonly string[]): void {
    this.forget(topics);
    for (const topic of topics) this.#first.delete(topic);
  }

  async #shape(topic: string): Promise<TopicShape> {
    const known = this.#known.get(topic);
    if (known !== undefined && Date.now() - known.since < freshMs) return known.shape;
    const partitions = await this.partitions(topic);
    if (partitions === undefined) throw new HeadwaterError('topic-missing', `topic ${topic} does not exist`);
    const shape = {
      partitions: this.#fixed(topic, partitions),
      maxMessageBytes: await this.#maxMessageBytes(topic),
    };
    this.#known.set(topic, { shape, since: Date.now() });
    return shape;
  }

  /** A smaller count than before is that of a recreated topic. */
  #fixed(topic: string, partitions: number): number {
    const fixed = Math.min(this.#first.get(topic) ?? partitions, partitions);
    this.#first.set(topic, fixed);
    return fixed;
  }

  /** Uses Kafka's default where ACLs forbid reading the limit; a broker with a lower limit rejects the batch. */
  async #maxMessageBytes(topic: string): Promise<number> {
    try {
      const [limit] = await this.#settings(topic, ['max.message.bytes']);
      return Number(limit?.configValue ?? defaultMaxMessageBytes);
    } catch (thrown) {
      this.#logger.debug(
        { topic, reason: rootOf(thrown).message },
        'cannot read the topic configuration; using the default limit',
      );
      return defaultMaxMessageBytes;
    }
  }

  async #settings(topic: string, configNames?: string[]) {
    const admin = await this.#admin();
    const { resources } = await admin.describeConfigs({
      includeSynonyms: false,
      resources: [{ type: topicResource, name: topic, ...(configNames && { configNames }) }],
    });
    return (resources[0]?.configEntries ?? []) as unknown as readonly ConfigEntry[];
  }

  async #metadata(topic: string) {
    const admin = await this.#admin();
    try {
      const { topics } = await admin.fetchTopicMetadata({ topics: [topic] });
      return topics.find(({ name }) => name === topic)?.partitions;
    } catch (thrown) {
      const error = asLogError(thrown, `reading the metadata of topic ${topic}`);
      if (rootOf(thrown).name === 'KafkaJSProtocolError' && error.code === 'topic-missing') return undefined;
      throw error;
    }
  }
}

/** The response of kafkajs contains the source of a setting; its types do not. */
interface ConfigEntry {
  readonly configName: string;
  readonly configValue: string;
  readonly configSource: number;
}
