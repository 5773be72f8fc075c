/**
 * Leaders of partitions, and coordinators of groups and transactional ids, shared by all producers of a process.
 * Refreshed when a broker reports a change, never on a timer.
 */
import { HeadwaterError } from '@headwater/errors';
import type { BrokerAddress } from '../client/kafkajs.ts';
import type { ProduceObserver, TopicPartition } from '../options.ts';
import type { Connections } from './connections.ts';
import { type ClusterMetadata, metadataRequest, type NodeAddress } from './protocol/metadata-request.ts';
import { partitionName } from './protocol/produce-request.ts';
import { ResponseError } from './protocol/response-errors.ts';
import { type CoordinatorType, findCoordinatorRequest } from './protocol/transaction-requests.ts';

export class ClusterView {
  readonly #seeds: readonly BrokerAddress[];
  readonly #connections: Connections;
  readonly #observer: ProduceObserver;
  readonly #topics = new Set<string>();
  readonly #missing = new Set<string>();
  /** The last leader of each partition, by node. */
  readonly #leaders = new Map<string, number>();
  readonly #leaderless = new Set<string>();
  readonly #coordinators = new Map<string, NodeAddress>();
  /** Used last: a broker that did not respond may be cut off from the others, with stale metadata. */
  readonly #unreachable = new Set<string>();
  #nodes = new Map<number, NodeAddress>();
  #refreshing: { readonly topics: number; readonly done: Promise<void> } | undefined;

  /** `seeds` are bootstrap brokers, as `host:port`. */
  constructor(seeds: readonly string[], connections: Connections, observer: ProduceObserver = {}) {
    this.#seeds = seeds.map(parseAddress);
    this.#connections = connections;
    this.#observer = observer;
  }

  /** undefined where the leader is unknown or missing; call again after `refresh`. */
  leader(partition: TopicPartition): NodeAddress | undefined {
    this.#topics.add(partition.topic);
    const name = partitionName(partition);
    return this.#leaderless.has(name) ? undefined : this.#nodes.get(this.#leaders.get(name) ?? -1);
  }

  /** True where the topic did not exist at the last `refresh`. */
  isMissing(topic: string): boolean {
    return this.#missing.has(topic);
  }

  markUnreachable({ host, port }: BrokerAddress): void {
    this.#unreachable.add(`${host}:${port}`);
  }

  markReachable({ host, port }: BrokerAddress): void {
    this.#unreachable.delete(`${host}:${port}`);
  }

  /** Concurrent calls share one request if it covers all topics. Errors: ConnectionFailure of the last broker. */
  refresh(): Promise<void> {
    const topics = this.#topics.size;
    const current = this.#refreshing;
    if (current?.topics === topics) return current.done;
    const before = current?.done.catch(() => undefined) ?? Promise.resolve();
    const done = before
      .then(() => this.#refresh())
      .finally(() => {
        if (this.#refreshing?.done === done) this.#refreshing = undefined;
      });
    this.#refreshing = { topics, done };
    return done;
  }

  /** Errors: ConnectionFailure, ResponseError. */
  async coordinator(key: string, type: CoordinatorType): Promise<NodeAddress> {
    const name = `${type}/${key}`;
    const known = this.#coordinators.get(name);
    if (known !== undefined) return known;
    const found = await this.#sendToAny((address) =>
      this.#connections.send(address, findCoordinatorRequest(key, type)),
    );
    if (found.error !== undefined) throw new ResponseError(found.error, `the coordinator of ${type} ${key}`);
    this.#coordinators.set(name, found.value);
    return found.value;
  }

  forgetCoordinator(key: string, type: CoordinatorType): void {
    this.#coordinators.delete(`${type}/${key}`);
  }

  /** Any broker; brokers that failed recently come last. */
  async anyBroker(): Promise<BrokerAddress> {
    await this.refresh();
    const [first] = this.#addresses();
    if (first === undefined) throw new HeadwaterError('log-unavailable', 'no broker is known');
    return first;
  }

  async #refresh(): Promise<void> {
    const topics = [...this.#topics];
    const metadata = await this.#sendToAny((address) =>
      this.#connections.send(address, metadataRequest(topics)),
    );
    this.#nodes = new Map(metadata.nodes.map((node) => [node.nodeId, node]));
    for (const topic of metadata.topics) this.#update(topic);
  }

  #update({ topic, error, leaders }: ClusterMetadata['topics'][number]): void {
    if (error === 'UNKNOWN_TOPIC_OR_PARTITION') this.#missing.add(topic);
    else this.#missing.delete(topic);
    for (const [partition, leader] of leaders) {
      const name = partitionName({ topic, partition });
      if (leader === undefined) {
        this.#leaderless.add(name);
        continue;
      }
      this.#leaderless.delete(name);
      const former = this.#leaders.get(name);
      this.#leaders.set(name, leader);
      if (former !== undefined && former !== leader) this.#observer.leaderMoved?.({ topic, partition });
    }
  }

  async #sendToAny<T>(send: (address: BrokerAddress) => Promise<T>): Promise<T> {
    let failure: unknown = new HeadwaterError('log-unavailable', 'no broker is known');
    for (const address of this.#addresses()) {
      try {
        const response = await send(address);
        this.markReachable(address);
        return response;
      } catch (thrown) {
        this.markUnreachable(address);
        failure = thrown;
      }
    }
    throw failure;
  }

  /** Brokers in random order, so that one broker with stale metadata is not used repeatedly. */
  #addresses(): BrokerAddress[] {
    const known = this.#nodes.size > 0 ? [...this.#nodes.values()] : this.#seeds;
    const all = [...known.toSorted(() => Math.random() - 0.5), ...this.#seeds];
    const unique = new Map(all.map((address) => [`${address.host}:${address.port}`, address]));
    const rank = (name: string) => (this.#unreachable.has(name) ? 1 : 0);
    return [...unique]
      .toSorted(([first], [second]) => rank(first) - rank(second))
      .map(([, address]) => address);
  }
}

function parseAddress(seed: string): BrokerAddress {
  const colon = seed.lastIndexOf(':');
  return { host: seed.slice(0, colon), port: Number(seed.slice(colon + 1)) };
}
