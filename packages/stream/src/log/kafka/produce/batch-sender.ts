/**
 * Brings batches to the brokers that lead their partitions, and keeps account of each partition on its own: what one
 * broker acknowledged is never sent again, and what another did not is, as the same bytes, to whoever leads by then.
 * One request a broker at a time; the batches that wait for it share the next one.
 */
import { HeadwaterError } from '@headwater/errors';
import { backoffMs, never, pauseFor } from '../../backoff.ts';
import { asLogError } from '../failures.ts';
import type { ProduceObserver } from '../options.ts';
import type { ClusterView } from './cluster-view.ts';
import { ConnectionFailure, type Connections } from './connections.ts';
import type { NodeAddress } from './protocol/metadata-request.ts';
import {
  type EncodedBatch,
  type ProduceResponse,
  partitionName,
  produceRequest,
} from './protocol/produce-request.ts';
import { batchRetry, batchVerdict, ResponseError } from './protocol/response-errors.ts';
import type { WriteState } from './write-state.ts';

/** Why a batch was not acknowledged. */
export class BatchFailure extends Error {
  override readonly name = 'BatchFailure';
  readonly error: HeadwaterError;
  /** The batch may be in the log: its sequence number must not be used for another one. */
  readonly inDoubt: boolean;

  constructor(error: HeadwaterError, inDoubt: boolean) {
    super(error.message, { cause: error });
    this.error = error;
    this.inDoubt = inDoubt;
  }
}

export interface BatchSenderOptions {
  readonly connections: Connections;
  readonly view: ClusterView;
  readonly writes: WriteState;
  readonly observer: ProduceObserver;
  readonly transactionalId: string | null;
  /** The broker waits for the replicas for so long; the connections wait longer. */
  readonly acknowledgeMs: number;
  /** A topic that no broker knows is given so long to appear: it may just have been created. */
  readonly missingTopicMs?: number;
}

/** Bytes of the batches of one request; a larger batch goes alone. */
const requestBytes = 4 * 1024 * 1024;
const missingTopicMs = 5_000;
const longestThrottleMs = 10_000;

interface Delivery extends EncodedBatch {
  readonly deadline: number;
  readonly since: number;
  readonly resolve: () => void;
  readonly reject: (failure: BatchFailure) => void;
  failures: number;
  inDoubt: boolean;
  /** Not before this time, in milliseconds since the epoch. */
  notBefore: number;
  reason: string;
  cause: unknown;
}

export class BatchSender {
  readonly #options: BatchSenderOptions;
  /** Deliveries that no request holds now. */
  readonly #waiting = new Set<Delivery>();
  /** Addresses of brokers that have a request under way, or that asked for a pause. */
  readonly #busy = new Set<string>();
  #refreshing = false;
  #scheduled = false;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(options: BatchSenderOptions) {
    this.#options = options;
  }

  /**
   * Resolves when all in-sync replicas have the batch. `deadline` in milliseconds since the epoch; a request that is
   * under way then is waited for. Callers give one batch of a partition at a time. Errors: BatchFailure.
   */
  deliver(batch: EncodedBatch, deadline: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const since = Date.now();
      const state = { failures: 0, inDoubt: false, notBefore: 0, reason: '', cause: undefined };
      this.#waiting.add({ ...batch, deadline, since, resolve, reject, ...state });
      this.#schedule();
    });
  }

  /** Rejects what waits, and what comes back from now on. */
  close(): void {
    this.#closed = true;
    for (const delivery of [...this.#waiting]) this.#rejectClosed(delivery);
  }

  /** Batches that are given in one turn of the event loop share a request. */
  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    queueMicrotask(() => {
      this.#scheduled = false;
      this.#dispatch();
    });
  }

  #dispatch(): void {
    clearTimeout(this.#timer);
    if (this.#closed) {
      this.close();
      return;
    }
    const now = Date.now();
    const { ready, next } = this.#readyBatches(now);
    const { byLeader, leaderless } = this.#byLeader(ready);
    for (const [leader, batches] of byLeader) void this.#send(leader, batches);
    if (leaderless.length > 0) void this.#findLeaders(leaderless);
    if (next < Number.POSITIVE_INFINITY)
      this.#timer = setTimeout(() => this.#schedule(), Math.max(next - now, 1));
  }

  /** `next` is when the next one is ready or expires, in milliseconds since the epoch. */
  #readyBatches(now: number): { readonly ready: Delivery[]; readonly next: number } {
    const ready: Delivery[] = [];
    let next = Number.POSITIVE_INFINITY;
    for (const delivery of this.#waiting) {
      const { deadline, notBefore } = delivery;
      if (now >= deadline) {
        this.#expire(delivery);
        continue;
      }
      if (notBefore <= now) ready.push(delivery);
      next = Math.min(next, notBefore > now ? Math.min(notBefore, deadline) : deadline);
    }
    return { ready, next };
  }

  #byLeader(ready: readonly Delivery[]): {
    readonly byLeader: Map<NodeAddress, Delivery[]>;
    readonly leaderless: Delivery[];
  } {
    const byLeader = new Map<NodeAddress, Delivery[]>();
    const leaderless: Delivery[] = [];
    const sizes = new Map<NodeAddress, number>();
    for (const delivery of ready) {
      const leader = this.#options.view.leader(delivery);
      if (leader === undefined) {
        leaderless.push(delivery);
        continue;
      }
      if (this.#busy.has(nameOf(leader))) continue;
      const size = sizes.get(leader) ?? 0;
      if (size > 0 && size + delivery.bytes.length > requestBytes) continue;
      sizes.set(leader, size + delivery.bytes.length);
      byLeader.set(leader, [...(byLeader.get(leader) ?? []), delivery]);
    }
    return { byLeader, leaderless };
  }

  async #send(leader: NodeAddress, batches: readonly Delivery[]): Promise<void> {
    const { connections, view, transactionalId, acknowledgeMs } = this.#options;
    const name = nameOf(leader);
    this.#busy.add(name);
    for (const batch of batches) this.#waiting.delete(batch);
    try {
      const request = produceRequest(batches, { transactionalId, timeoutMs: acknowledgeMs });
      const response = await connections.send(leader, request);
      view.trust(leader);
      this.#settle(batches, response);
      if (response.throttleMs > 0) await pauseFor(Math.min(response.throttleMs, longestThrottleMs), never);
    } catch (thrown) {
      view.suspect(leader);
      this.#retryAll(batches, thrown);
    } finally {
      this.#busy.delete(name);
      this.#schedule();
    }
  }

  #settle(batches: readonly Delivery[], response: ProduceResponse): void {
    let leadersMoved = false;
    for (const batch of batches) {
      const name = partitionName(batch);
      // A response that leaves a partition out says nothing of it.
      const error = response.errors.has(name) ? response.errors.get(name) : 'REQUEST_TIMED_OUT';
      const verdict = batchVerdict(error);
      if (verdict === 'acknowledged') this.#acknowledge(batch);
      else if (verdict === 'retry' && error !== undefined)
        leadersMoved = this.#retry(batch, error) || leadersMoved;
      else this.#refuse(batch, error ?? '');
    }
    if (leadersMoved) void this.#refresh();
  }

  #acknowledge(batch: Delivery): void {
    this.#options.writes.succeeded(batch);
    batch.resolve();
  }

  /** The broker has judged: it can be written to, but not this. */
  #refuse(batch: Delivery, error: string): void {
    this.#options.writes.succeeded(batch);
    const cause = new ResponseError(error, partitionName(batch));
    batch.reject(new BatchFailure(asLogError(cause, 'writing to Kafka'), batch.inDoubt));
  }

  /** Whether the leaders should be asked for. */
  #retry(batch: Delivery, error: string): boolean {
    const rule = batchRetry(error);
    batch.inDoubt ||= rule?.mayBeWritten ?? true;
    this.#waitAgain(batch, error, new ResponseError(error, partitionName(batch)));
    return rule?.leaderMayHaveMoved ?? true;
  }

  #retryAll(batches: readonly Delivery[], thrown: unknown): void {
    const mayBeWritten = !(thrown instanceof ConnectionFailure) || thrown.mayBeProcessed;
    for (const batch of batches) {
      batch.inDoubt ||= mayBeWritten;
      if (!this.#rejectFinal(batch, thrown)) this.#waitAgain(batch, 'connection', thrown);
    }
    void this.#refresh();
  }

  /** A login that is refused, or a certificate that is not trusted, does not pass. */
  #rejectFinal(batch: Delivery, thrown: unknown): boolean {
    const error = asLogError(thrown, 'writing to Kafka');
    if (error.verdict === 'retry') return false;
    this.#waiting.delete(batch);
    batch.reject(new BatchFailure(error, batch.inDoubt));
    return true;
  }

  #waitAgain(batch: Delivery, reason: string, cause: unknown): void {
    const { topic, partition } = batch;
    this.#options.writes.failed(batch, reason);
    this.#options.observer.retried?.({ topic, partition }, reason);
    batch.notBefore = Date.now() + Math.min(backoffMs(batch.failures), 1_000);
    batch.failures += 1;
    batch.reason = reason;
    batch.cause = cause;
    this.#waiting.add(batch);
    this.#schedule();
  }

  #rejectClosed(batch: Delivery): void {
    this.#waiting.delete(batch);
    const error = new HeadwaterError('log-unavailable', 'the producer is closed', { cause: batch.cause });
    batch.reject(new BatchFailure(error, batch.inDoubt));
  }

  #expire(batch: Delivery): void {
    this.#waiting.delete(batch);
    const seconds = Math.round((Date.now() - batch.since) / 1_000);
    const message = `writing to ${partitionName(batch)} was not acknowledged within ${seconds} s (${batch.reason || 'no leader'})`;
    batch.reject(
      new BatchFailure(new HeadwaterError('log-unavailable', message, { cause: batch.cause }), batch.inDoubt),
    );
  }

  async #findLeaders(leaderless: readonly Delivery[]): Promise<void> {
    if (this.#refreshing) return;
    const failure = await this.#refresh();
    for (const batch of leaderless) {
      if (!this.#waiting.has(batch) || this.#options.view.leader(batch) !== undefined) continue;
      if (failure !== undefined && this.#rejectFinal(batch, failure)) continue;
      if (this.#rejectMissing(batch)) continue;
      this.#waitAgain(batch, 'LEADER_NOT_AVAILABLE', failure);
    }
    this.#schedule();
  }

  #rejectMissing(batch: Delivery): boolean {
    const { view, missingTopicMs: patience = missingTopicMs } = this.#options;
    if (!view.isMissing(batch.topic) || Date.now() - batch.since < patience) return false;
    this.#waiting.delete(batch);
    this.#options.writes.succeeded(batch);
    const error = new HeadwaterError('topic-missing', `topic ${batch.topic} does not exist`);
    batch.reject(new BatchFailure(error, batch.inDoubt));
    return true;
  }

  /** What went wrong, if anything did: batches wait, and ask again. */
  async #refresh(): Promise<unknown> {
    if (this.#refreshing) return undefined;
    this.#refreshing = true;
    try {
      await this.#options.view.refresh();
      return undefined;
    } catch (thrown) {
      return thrown;
    } finally {
      this.#refreshing = false;
      this.#schedule();
    }
  }
}

function nameOf({ host, port }: NodeAddress): string {
  return `${host}:${port}`;
}
