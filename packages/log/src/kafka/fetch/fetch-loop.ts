/**
 * Reads partitions forward until it is closed. It has its own connections: a broker processes one request of a
 * connection at a time, and a waiting fetch must not delay commits or heartbeats.
 */
import { HeadwaterError } from '@headwater/errors';
import { backoffMs, pauseFor, waitAtMost } from '../../backoff.ts';
import type { FetchedChunk } from '../../partitions/membership.ts';
import { asLogError, isStaleMetadata, rootOf } from '../client/failures.ts';
import type { Cluster } from '../client/kafkajs.ts';
import { mayBeDeposed, staleLeaderAttempts } from './deposed-leader.ts';
import { fetchFrom, type PartitionPosition } from './partition-fetch.ts';
import { CorruptBatchError, corruptBatch } from './record-batches.ts';

interface FetchHandler {
  /** The next request waits for the returned promise. */
  handle(topic: string, partition: number, chunk: FetchedChunk): Promise<void> | void;
  /** Reading has ended. Errors: log-offset-out-of-range, log-batch-corrupt, log-forbidden. */
  failed(error: HeadwaterError): void;
}

const maxWaitMs = 500;
/** Requests to a broker that does not respond time out much later than this. */
const longestCloseMs = 1_000;

export class FetchLoop {
  readonly #cluster: Cluster;
  readonly #positions: readonly PartitionPosition[];
  readonly #handler: FetchHandler;
  readonly #abort = new AbortController();
  /** Handler calls of an ended round; the next round starts after them. */
  readonly #handling = new Set<Promise<void>>();
  /** Consecutive out-of-range responses by partition. */
  readonly #misses = new Map<string, number>();
  #gate: Promise<void> | undefined;
  #openGate: () => void = () => undefined;
  readonly #done: Promise<void>;

  constructor(cluster: Cluster, positions: readonly PartitionPosition[], handler: FetchHandler) {
    this.#cluster = cluster;
    this.#positions = positions;
    this.#handler = handler;
    this.#done = this.#run();
  }

  pause(): void {
    this.#gate ??= new Promise((resolve) => {
      this.#openGate = resolve;
    });
  }

  resume(): void {
    this.#openGate();
    this.#gate = undefined;
  }

  /** Stops deliveries immediately; resolves when the connections are closed, or after a second. */
  async close(): Promise<void> {
    this.#abort.abort();
    this.resume();
    await waitAtMost(longestCloseMs, this.#done);
  }

  async #run(): Promise<void> {
    for (let failures = 0; !this.#abort.signal.aborted; failures += 1) {
      try {
        await this.#connect();
        await this.#readRounds(() => {
          failures = 0;
        });
      } catch (thrown) {
        if (this.#abort.signal.aborted) break;
        const fatal = this.#asFatal(thrown);
        if (fatal !== undefined) {
          this.#handler.failed(fatal);
          break;
        }
        await this.#recover(thrown);
        await pauseFor(backoffMs(failures), this.#abort.signal);
      }
    }
    await this.#cluster.disconnect().catch(() => undefined);
  }

  async #connect(): Promise<void> {
    await this.#cluster.connect();
    await this.#cluster.addMultipleTargetTopics([...new Set(this.#positions.map(({ topic }) => topic))]);
  }

  /** Reads from all leaders concurrently until one of them fails or the leaders change. */
  async #readRounds(worked: () => void): Promise<void> {
    await Promise.allSettled(this.#handling);
    const round = new AbortController();
    const signal = AbortSignal.any([this.#abort.signal, round.signal]);
    const leaders = [...this.#leaders()];
    await Promise.all(
      leaders.map(([nodeId, positions]) =>
        this.#readFrom(nodeId, positions, signal, worked).finally(() => round.abort()),
      ),
    );
  }

  #leaders(): Map<string, PartitionPosition[]> {
    const leaders = new Map<string, PartitionPosition[]>();
    for (const position of this.#positions) {
      const found = this.#cluster.findLeaderForPartitions(position.topic, [position.partition]);
      const [nodeId] = Object.keys(found);
      if (nodeId === undefined) {
        throw new HeadwaterError('topic-missing', `topic ${position.topic} no longer exists`, {
          verdict: 'retry',
        });
      }
      leaders.set(nodeId, [...(leaders.get(nodeId) ?? []), position]);
    }
    return leaders;
  }

  async #readFrom(
    nodeId: string,
    positions: readonly PartitionPosition[],
    signal: AbortSignal,
    worked: () => void,
  ): Promise<void> {
    while (!signal.aborted) {
      await this.#gate;
      await this.#cluster.refreshMetadataIfNecessary();
      const broker = await this.#cluster.findBroker({ nodeId });
      if (signal.aborted) return;
      const chunks = await this.#fetch(
        () => fetchFrom(broker, positions, { maxWaitMs }),
        async () => {
          for (const position of positions) await this.#probe(broker, position);
        },
      );
      worked();
      for (const { topic, partition } of positions) this.#misses.delete(`${topic}/${partition}`);
      for (const { position, chunk } of chunks) {
        if (signal.aborted) return;
        position.offset = chunk.next;
        await this.#handle(position, chunk);
      }
    }
  }

  async #handle({ topic, partition }: PartitionPosition, chunk: FetchedChunk): Promise<void> {
    const handled = Promise.resolve(this.#handler.handle(topic, partition, chunk));
    this.#handling.add(handled);
    try {
      await handled;
    } finally {
      this.#handling.delete(handled);
    }
  }

  /** The error of a corrupt batch does not name its partition, so `probe` fetches each partition alone. */
  async #fetch<T>(fetch: () => Promise<T>, probe: () => Promise<void>): Promise<T> {
    try {
      return await fetch();
    } catch (thrown) {
      if (rootOf(thrown) instanceof CorruptBatchError) await probe();
      throw thrown;
    }
  }

  async #probe(broker: Parameters<typeof fetchFrom>[0], position: PartitionPosition): Promise<void> {
    try {
      await fetchFrom(broker, [position], { maxWaitMs: 0 });
    } catch (thrown) {
      const root = rootOf(thrown);
      if (root instanceof CorruptBatchError) throw corruptBatch(position.topic, position.partition, root);
    }
  }

  #asFatal(thrown: unknown): HeadwaterError | undefined {
    const root = rootOf(thrown) as Error & { readonly topic?: string; readonly partition?: number };
    if (root.name === 'KafkaJSOffsetOutOfRange') {
      const certain =
        this.#missed(root.topic, root.partition) >= staleLeaderAttempts ||
        !mayBeDeposed(this.#cluster, thrown);
      return certain ? this.#outOfRange(root.topic, root.partition) : undefined;
    }
    if (thrown instanceof HeadwaterError) return thrown.verdict === 'retry' ? undefined : thrown;
    if (isStaleMetadata(thrown)) return undefined;
    const error = asLogError(thrown, 'fetching');
    return error.verdict === 'retry' ? undefined : error;
  }

  #missed(topic = '', partition = -1): number {
    const key = `${topic}/${partition}`;
    const misses = (this.#misses.get(key) ?? 0) + 1;
    this.#misses.set(key, misses);
    return misses;
  }

  #outOfRange(topic = '', partition = -1): HeadwaterError {
    const at = this.#positions.find(
      (position) => position.topic === topic && position.partition === partition,
    );
    return outOfRange(topic, partition, at?.offset ?? -1n);
  }

  /** Any failure may be caused by changed leaders or lost connections. */
  async #recover(thrown: unknown): Promise<void> {
    const root = rootOf(thrown) as Error & { readonly host?: string; readonly port?: number };
    if (root.host !== undefined && root.port !== undefined) {
      this.#cluster.removeBroker({ host: root.host, port: root.port });
    }
    await this.#cluster.refreshMetadata().catch(() => undefined);
  }
}

/** Any other start offset would skip or repeat records, so an operator must choose it. */
export function outOfRange(topic: string, partition: number, offset: bigint): HeadwaterError {
  const message =
    `offset ${offset} of ${topic}-${partition} is not in the log: records expired before they were read, ` +
    'or the topic was recreated; to continue without these records, stop the services and reset the offset ' +
    `(kafka-consumer-groups.sh --group GROUP --topic ${topic}:${partition} --reset-offsets --to-earliest --execute)`;
  return new HeadwaterError('log-offset-out-of-range', message, {
    context: { topic, partition, offset: String(offset) },
  });
}
