/**
 * One set of connections for all that asks a cluster now and then: ends of partitions, bounded reads, offsets of
 * groups. What kafkajs knows of topics is asked for together by all its users, and an answer may have been under way
 * before one's own topic was among them: whoever uses it checks that what was asked for is there.
 */

import { mayBeDeposed } from '../fetch/deposed-leader.ts';
import { attempt } from './attempts.ts';
import { asLogError, isOutOfRange, isStaleMetadata, rootOf } from './failures.ts';
import type { Cluster } from './kafkajs.ts';

/** kafkajs' list of the topics that it asks for; our view of a cluster leaves it out. */
type TargetingCluster = Cluster & { readonly targetTopics: Set<string> };

export class SharedCluster {
  readonly #open: () => Cluster;
  #cluster: Promise<Cluster> | undefined;
  #connected: TargetingCluster | undefined;

  /** Connects when it is first used. */
  constructor(open: () => Cluster) {
    this.#open = open;
  }

  /** `doing` says in an error what failed; `topics` are those that `work` needs to know the leaders of. */
  attempt<T>(doing: string, topics: readonly string[], work: (cluster: Cluster) => Promise<T>): Promise<T> {
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
    return attempt(doing, connected, (thrown) => this.#mayPass(thrown, doing, topics));
  }

  /** What is known of topics that were deleted is no more: a topic of the same name is another one. */
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

  #mayPass(thrown: unknown, doing: string, topics: readonly string[]): boolean {
    if (mayPass(thrown, doing) || this.#forgetOthers(thrown, topics)) return true;
    return this.#connected !== undefined && mayBeDeposed(this.#connected, thrown);
  }

  /**
   * kafkajs asks for all topics that anybody named, and fails for all when one of them is gone. True where there were others than those
   * that are needed now: without them it may work.
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

/** A topic that is not known may have been created a moment ago, elsewhere in the cluster. */
function mayPass(thrown: unknown, doing: string): boolean {
  const type = rootOf(thrown).type;
  if (type === 'UNKNOWN_TOPIC_OR_PARTITION') return false;
  return isStaleMetadata(thrown) || asLogError(thrown, doing).verdict === 'retry';
}
