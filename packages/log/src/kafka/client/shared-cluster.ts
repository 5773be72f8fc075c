/**
 * One set of connections for occasional requests: ends of partitions, bounded reads, group offsets. All users share
 * kafkajs' topic metadata, and a refresh may have started before a user's topic was added to it. Each user must
 * therefore check that its topic is present.
 */
import { mayBeDeposed } from '../fetch/deposed-leader.ts';
import { withRetries } from './attempts.ts';
import { asLogError, isOutOfRange, isStaleMetadata, rootOf } from './failures.ts';
import type { Cluster } from './kafkajs.ts';

/** kafkajs' list of topics in metadata requests, which `Cluster` omits. */
type TargetingCluster = Cluster & { readonly targetTopics: Set<string> };

export class SharedCluster {
  readonly #open: () => Cluster;
  #cluster: Promise<Cluster> | undefined;
  #connected: TargetingCluster | undefined;

  /** Connects on first use. */
  constructor(open: () => Cluster) {
    this.#open = open;
  }

  /** `operation` names the operation in errors; `topics` are those whose leaders `work` needs. */
  attempt<T>(
    operation: string,
    topics: readonly string[],
    work: (cluster: Cluster) => Promise<T>,
  ): Promise<T> {
    const connected = async () => {
      const cluster = await this.#connect();
      try {
        if (topics.length > 0) await cluster.addMultipleTargetTopics(topics);
        await cluster.refreshMetadataIfNecessary();
        return await work(cluster);
      } catch (thrown) {
        await this.#recover(cluster, thrown);
        throw thrown;
      }
    };
    return withRetries(operation, connected, (thrown) => this.#isTransient(thrown, operation, topics));
  }

  /** Drops the metadata of deleted topics: a later topic of the same name is a different one. */
  async forget(topics: readonly string[]): Promise<void> {
    const cluster = (await this.#cluster?.catch(() => undefined)) as TargetingCluster | undefined;
    if (cluster === undefined) return;
    for (const topic of topics) cluster.targetTopics.delete(topic);
    await cluster.refreshMetadata().catch(() => undefined);
  }

  async close(): Promise<void> {
    const cluster = this.#cluster;
    this.#cluster = undefined;
    if (cluster === undefined) return;
    await (await cluster.catch(() => undefined))?.disconnect();
  }

  #isTransient(thrown: unknown, operation: string, topics: readonly string[]): boolean {
    if (isTransient(thrown, operation) || this.#forgetOthers(thrown, topics)) return true;
    return this.#connected !== undefined && mayBeDeposed(this.#connected, thrown);
  }

  /**
   * kafkajs requests the metadata of all topics of all users, and fails for all when one is missing.
   * Drops the topics of other users, and returns true where there were any: a retry without them may succeed.
   */
  #forgetOthers(thrown: unknown, topics: readonly string[]): boolean {
    if (rootOf(thrown).type !== 'UNKNOWN_TOPIC_OR_PARTITION' || this.#connected === undefined) return false;
    const { targetTopics } = this.#connected;
    const others = [...targetTopics].filter((topic) => !topics.includes(topic));
    for (const topic of others) targetTopics.delete(topic);
    return others.length > 0;
  }

  #connect(): Promise<Cluster> {
    this.#cluster ??= this.#start().catch((thrown: unknown) => {
      this.#cluster = undefined;
      throw thrown;
    });
    return this.#cluster;
  }

  async #start(): Promise<Cluster> {
    const cluster = this.#open();
    await cluster.connect();
    this.#connected = cluster as TargetingCluster;
    return cluster;
  }

  async #recover(cluster: Cluster, thrown: unknown): Promise<void> {
    const root = rootOf(thrown) as Error & { readonly host?: string; readonly port?: number };
    if (root.host !== undefined && root.port !== undefined) {
      cluster.removeBroker({ host: root.host, port: root.port });
    }
    if (isStaleMetadata(thrown) || isOutOfRange(thrown) || root.host !== undefined)
      await cluster.refreshMetadata().catch(() => undefined);
  }
}

/** Stale metadata includes topics that were created a moment ago on another broker. */
function isTransient(thrown: unknown, operation: string): boolean {
  const type = rootOf(thrown).type;
  if (type === 'UNKNOWN_TOPIC_OR_PARTITION') return false;
  return isStaleMetadata(thrown) || asLogError(thrown, operation).verdict === 'retry';
}
