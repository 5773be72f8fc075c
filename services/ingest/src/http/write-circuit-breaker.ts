/**
 * Refuses requests at once while the log cannot be written, instead of keeping each until its time-out. Now and then one is let
 * through as a probe: the log shows that it can be written again only when something is written.
 */
import { asHeadwaterError, HeadwaterError } from '@headwater/errors';
import type { WriteBlock } from '@headwater/log';

export interface WriteCircuitBreakerOptions {
  /** Why records cannot be written now; undefined while they can. */
  readonly blocked: () => WriteBlock | undefined;
  /** Milliseconds since the epoch; replaced by tests. */
  readonly now?: () => number;
}

/** A leader that moves takes less: requests wait for it. */
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

  /** After a probe that did not fail by the log, the next request is a probe: it may go to another partition. */
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
    `Kafka has not taken records for ${seconds} s (${reason}); this request was not accepted, try again after a while`,
  );
}
