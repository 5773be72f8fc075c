/** A real Apache Kafka of one broker or several, behind proxies; each broker comes back on its port with its data. */
import { setTimeout as sleep } from 'node:timers/promises';
import {
  type ClusterState,
  describeCluster,
  type LocalBroker,
  type LocalKafka,
  startLocalKafka,
} from '@headwater/local-kafka';
import { BrokerProxy } from './broker-proxy.ts';

const startAttempts = 5;
const requestPauseMs = 100;

export class Cluster {
  readonly #kafka: LocalKafka;
  readonly #proxies: readonly BrokerProxy[];

  private constructor(kafka: LocalKafka, proxies: readonly BrokerProxy[]) {
    this.#kafka = kafka;
    this.#proxies = proxies;
  }

  static async start(dataDir: string, count: number): Promise<Cluster> {
    const proxies = await Promise.all(Array.from({ length: count }, () => BrokerProxy.open()));
    try {
      const advertisedPorts = proxies.map(({ port }) => port);
      const kafka = await startLocalKafka({ dataDir, brokers: count, advertisedPorts });
      for (const [index, { port }] of kafka.nodes.entries()) proxies[index]?.leadTo(port);
      return new Cluster(kafka, proxies);
    } catch (error) {
      await Promise.all(proxies.map((proxy) => proxy.close()));
      throw error;
    }
  }

  /** Bootstrap list. */
  get brokers(): readonly string[] {
    return this.#kafka.brokers;
  }

  get nodes(): readonly LocalBroker[] {
    return this.#kafka.nodes;
  }

  /** Counts from 0, modulo the number of brokers. */
  node(index: number): LocalBroker {
    return this.nodes[index % this.nodes.length] as LocalBroker;
  }

  proxy(index: number): BrokerProxy {
    return this.#proxies[index % this.#proxies.length] as BrokerProxy;
  }

  /** Another program may have taken the port meanwhile, mostly for a moment. */
  async startNode(node: LocalBroker): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await node.start();
      } catch (error) {
        if (attempt === startAttempts) throw error;
        await sleep(1_000);
      }
    }
  }

  /** Metadata from the first broker that responds. Errors: the signal's reason, or a time-out. */
  async describe(topics: readonly string[], signal: AbortSignal, patienceMs: number): Promise<ClusterState> {
    return await this.ask((port) => describeCluster(port, topics), signal, patienceMs);
  }

  /** Asks the brokers in turn until one returns a result. Errors: as `describe`. */
  async ask<T>(
    question: (port: number) => Promise<T | undefined>,
    signal: AbortSignal,
    patienceMs: number,
  ): Promise<T> {
    const deadline = performance.now() + patienceMs;
    for (;;) {
      for (const { port, pid } of this.nodes) {
        const answer = pid === undefined ? undefined : await question(port).catch(() => undefined);
        if (answer !== undefined) return answer;
      }
      if (performance.now() > deadline) throw new Error(`no broker responded within ${patienceMs / 1_000} s`);
      await sleep(requestPauseMs, undefined, { signal });
    }
  }

  /**
   * Waits until all brokers are up and all replicas of the topics are in sync. Resolves to false on a
   * time-out.
   */
  async untilInSync(topics: readonly string[], signal: AbortSignal, patienceMs: number): Promise<boolean> {
    const deadline = performance.now() + patienceMs;
    while (performance.now() < deadline) {
      const state = await this.describe(topics, signal, patienceMs);
      const isWhole = [...state.topics.values()]
        .flat()
        .every(({ leader, replicas, insync }) => leader >= 0 && insync.length === replicas.length);
      if (isWhole && state.brokers.length === this.nodes.length) return true;
      await sleep(requestPauseMs, undefined, { signal });
    }
    return false;
  }

  async stop(): Promise<void> {
    for (const proxy of this.#proxies) proxy.heal();
    await this.#kafka.stop();
    await Promise.all(this.#proxies.map((proxy) => proxy.close()));
  }
}
