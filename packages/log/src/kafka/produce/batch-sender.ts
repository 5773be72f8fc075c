/**
 * Sends batches to the leaders of their partitions, and tracks each partition separately: an acknowledged batch is
 * never sent again, any other is sent as the same bytes to the current leader. Each broker gets one request at a
 * time; waiting batches share the next request.
 */
import { HeadwaterError } from '@headwater/errors';
import { never, pauseFor } from '../../backoff.ts';
import { asLogError } from '../client/failures.ts';
import type { ProduceObserver } from '../options.ts';
import type { ClusterView } from './cluster-view.ts';
import { ConnectionFailure, type Connections } from './connections.ts';
import { Delivery } from './delivery.ts';
import type { NodeAddress } from './protocol/metadata-request.ts';
import {
  type EncodedBatch,
  type ProduceResponse,
  partitionName,
  produceRequest,
} from './protocol/produce-request.ts';
import { batchRetry, isAcknowledgement, ResponseError } from './protocol/response-errors.ts';
import type { WriteState } from './write-state.ts';

interface BatchSenderOptions {
  readonly connections: Connections;
  readonly view: ClusterView;
  readonly writes: WriteState;
  readonly observer: ProduceObserver;
  readonly transactionalId: string | null;
  /** Time that the broker waits for its replicas; the connections wait longer. */
  readonly acknowledgeMs: number;
}

/** Limit on the batch bytes of one request; a larger batch is sent alone. */
const requestBytes = 4 * 1024 * 1024;
/** Wait for an unknown topic, which may just have been created. */
const missingTopicMs = 5_000;
const longestThrottleMs = 10_000;
const operation = 'writing to Kafka';

export class BatchSender {
  readonly #options: BatchSenderOptions;
  /** Deliveries that are not in a request. */
  readonly #waiting = new Set<Delivery>();
  /** Addresses of brokers with a request in flight or a throttle. */
  readonly #busy = new Set<string>();
  #scheduled = false;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(options: BatchSenderOptions) {
    this.#options = options;
  }

  /**
   * Resolves when all in-sync replicas have the batch. `deadline` in milliseconds since the epoch; a request in
   * flight at the deadline may still finish. Callers pass one batch of a partition at a time. Errors: BatchFailure.
   */
  deliver(batch: EncodedBatch, deadline: number): Promise<void> {
    const delivery = new Delivery(batch, deadline);
    this.#waiting.add(delivery);
    this.#schedule();
    return delivery.done;
  }

  /** Rejects waiting batches, and those that a request returns later. */
  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    for (const delivery of this.#waiting) delivery.abandon();
    this.#waiting.clear();
  }

  /** Batches of one turn of the event loop share a request. */
  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      if (this.#closed) this.close();
      else this.#dispatch();
    });
  }

  #dispatch(): void {
    const now = Date.now();
    this.#dropExpired(now);
    const leaderless: Delivery[] = [];
    for (const [leader, batches] of this.#byLeader(now, leaderless)) void this.#send(leader, batches);
    if (leaderless.length > 0) void this.#findLeaders(leaderless);
    this.#wakeLater(now);
  }

  #wakeLater(now: number): void {
    clearTimeout(this.#timer);
    let next = Number.POSITIVE_INFINITY;
    for (const delivery of this.#waiting) next = Math.min(next, delivery.nextTurn(now));
    if (next < Number.POSITIVE_INFINITY)
      this.#timer = setTimeout(() => this.#schedule(), Math.max(next - now, 1));
  }

  #dropExpired(now: number): void {
    for (const delivery of this.#waiting) {
      if (now < delivery.deadline) continue;
      this.#waiting.delete(delivery);
      delivery.expire();
    }
  }

  /** Batches to send to idle brokers now; adds batches without a leader to `leaderless`. */
  #byLeader(now: number, leaderless: Delivery[]): Map<NodeAddress, Delivery[]> {
    const byLeader = new Map<NodeAddress, Delivery[]>();
    const sizes = new Map<NodeAddress, number>();
    for (const delivery of this.#waiting) {
      if (!delivery.isReady(now)) continue;
      const leader = this.#options.view.leader(delivery);
      if (leader === undefined) {
        leaderless.push(delivery);
        continue;
      }
      const size = sizes.get(leader) ?? 0;
      const isFull = size > 0 && size + delivery.bytes.length > requestBytes;
      if (isFull || this.#busy.has(nameOf(leader))) continue;
      sizes.set(leader, size + delivery.bytes.length);
      byLeader.set(leader, [...(byLeader.get(leader) ?? []), delivery]);
    }
    return byLeader;
  }

  async #send(leader: NodeAddress, batches: readonly Delivery[]): Promise<void> {
    const { connections, view, transactionalId, acknowledgeMs } = this.#options;
    const name = nameOf(leader);
    this.#busy.add(name);
    for (const batch of batches) this.#waiting.delete(batch);
    try {
      const request = produceRequest(batches, { transactionalId, timeoutMs: acknowledgeMs });
      const response = await connections.send(leader, request);
      view.markReachable(leader);
      this.#applyResponse(batches, response);
      if (response.throttleMs > 0) await pauseFor(Math.min(response.throttleMs, longestThrottleMs), never);
    } catch (thrown) {
      view.markUnreachable(leader);
      this.#retryAll(batches, thrown);
    } finally {
      this.#busy.delete(name);
      this.#schedule();
    }
  }

  #applyResponse(batches: readonly Delivery[], response: ProduceResponse): void {
    let leaderMayHaveMoved = false;
    for (const batch of batches) {
      const name = partitionName(batch);
      // A response without the partition leaves its outcome unknown.
      const error = response.errors.has(name) ? response.errors.get(name) : 'REQUEST_TIMED_OUT';
      const rule = batchRetry(error);
      if (rule !== undefined && error !== undefined) {
        this.#postpone(batch, error, new ResponseError(error, name), rule.mayBeWritten);
        leaderMayHaveMoved ||= rule.leaderMayHaveMoved;
      } else this.#applyFinal(batch, error);
    }
    if (leaderMayHaveMoved) void this.#refresh();
  }

  /** A final response, even an error, shows that the partition is writable. */
  #applyFinal(batch: Delivery, error: string | undefined): void {
    this.#options.writes.succeeded(batch);
    if (isAcknowledgement(error)) batch.acknowledge();
    else batch.giveUp(asLogError(new ResponseError(error ?? '', partitionName(batch)), operation));
  }

  #retryAll(batches: readonly Delivery[], thrown: unknown): void {
    const mayBeWritten = !(thrown instanceof ConnectionFailure) || thrown.mayBeProcessed;
    for (const batch of batches) {
      if (!this.#rejectFinal(batch, thrown, mayBeWritten))
        this.#postpone(batch, 'connection', thrown, mayBeWritten);
    }
    void this.#refresh();
  }

  /** A rejected login or an untrusted certificate is permanent. */
  #rejectFinal(batch: Delivery, thrown: unknown, mayBeWritten: boolean): boolean {
    const error = asLogError(thrown, operation);
    if (error.verdict === 'retry') return false;
    this.#waiting.delete(batch);
    batch.giveUp(error, mayBeWritten);
    return true;
  }

  #postpone(batch: Delivery, reason: string, cause: unknown, mayBeWritten: boolean): void {
    const { topic, partition } = batch;
    this.#options.writes.failed(batch, reason);
    this.#options.observer.retried?.({ topic, partition }, reason);
    batch.postpone(reason, cause, mayBeWritten);
    this.#waiting.add(batch);
    this.#schedule();
  }

  async #findLeaders(leaderless: readonly Delivery[]): Promise<void> {
    const failure = await this.#refresh();
    for (const batch of leaderless) {
      if (!this.#waiting.has(batch) || this.#options.view.leader(batch) !== undefined) continue;
      if (failure !== undefined && this.#rejectFinal(batch, failure, false)) continue;
      if (!this.#rejectMissing(batch)) this.#postpone(batch, 'LEADER_NOT_AVAILABLE', failure, false);
    }
    this.#schedule();
  }

  #rejectMissing(batch: Delivery): boolean {
    const { view, writes } = this.#options;
    if (!view.isMissing(batch.topic) || Date.now() - batch.since < missingTopicMs) return false;
    this.#waiting.delete(batch);
    writes.succeeded(batch);
    batch.giveUp(new HeadwaterError('topic-missing', `topic ${batch.topic} does not exist`));
    return true;
  }

  /** Resolves with the error of a failed refresh, or undefined; batches wait and retry. */
  async #refresh(): Promise<unknown> {
    try {
      await this.#options.view.refresh();
      return undefined;
    } catch (thrown) {
      return thrown;
    } finally {
      this.#schedule();
    }
  }
}

function nameOf({ host, port }: NodeAddress): string {
  return `${host}:${port}`;
}
