/**
 * Rejects requests at once while the log is not writable, instead of holding each until its timeout. One request a
 * second passes as a probe: only a write shows that the log is writable again.
 */
import { asHeadwaterError, HeadwaterError } from '@headwater/errors';
import type { WriteBlock } from '@headwater/log';

export interface WriteCircuitBreakerOptions {
  /** The reason why the log is not writable; undefined while it is. */
  readonly blocked: () => WriteBlock | undefined;
  /** Milliseconds since the epoch; replaced by tests. */
  readonly now?: () => number;
}

/** Longer than a leader election: requests wait for that. */
const openAfterMs = 2_000;
const probeEveryMs = 1_000;

export class WriteCircuitBreaker {
  readonly #blocked: () => WriteBlock | undefined;
  readonly #now: () => number;
  #nextProbeAt = 0;

  constructor({ blocked, now = Date.now }: WriteCircuitBreakerOptions) {
    this.#blocked = blocked;
    this.#now = now;
  }

  /** Errors: log-not-writable, in which case `work` was not called; those of `work`. */
  async run<T>(work: () => Promise<T>): Promise<T> {
    const block = this.#blocked();
    const blockedMs = block === undefined ? 0 : this.#now() - block.since;
    if (block === undefined || blockedMs < openAfterMs) return work();
    if (this.#now() < this.#nextProbeAt) throw notWritable(block, blockedMs);
    return this.#probe(work);
  }

  /** After a probe that the log did not fail, the next request is a probe too: it may go to another partition. */
  async #probe<T>(work: () => Promise<T>): Promise<T> {
    this.#nextProbeAt = this.#now() + probeEveryMs;
    try {
      const result = await work();
      this.#nextProbeAt = 0;
      return result;
    } catch (thrown) {
      if (asHeadwaterError(thrown).verdict !== 'retry') this.#nextProbeAt = 0;
      throw thrown;
    }
  }
}

function notWritable({ reason }: WriteBlock, blockedMs: number): HeadwaterError {
  const seconds = Math.round(blockedMs / 1_000);
  return new HeadwaterError(
    'log-not-writable',
    `Kafka has not taken records for ${seconds} s (${reason}); this request was not accepted; try again later`,
  );
}
