/**
 * Lag and progress of a group member's partitions. Lag is computed on a timer from the end of the log and the
 * committed position, so it also covers partitions that commit nothing, cannot be opened, or hang in a fetch.
 */
import type { LogAdmin, PartitionObserver, Positions } from '../api.ts';
import type { Logger } from '../logger.ts';

interface PartitionProgressOptions {
  readonly group: string;
  readonly topics: readonly string[];
  readonly admin: Pick<LogAdmin, 'offsets' | 'committed'>;
  readonly observer: PartitionObserver;
  readonly logger: Logger;
  readonly everyMs: number;
  /** Milliseconds; replaced by tests. */
  readonly now?: () => number;
}

interface Watched {
  /** Next offset to process, by topic where known. */
  readonly committed: Map<string, bigint>;
  readonly ends: Map<string, bigint>;
  /** Time of the last commit, or of the last check without lag. */
  movedAt: number;
  isLogged: boolean;
}

/** A partition with lag and without progress for this time is logged once. */
const loggedAfterMs = 60_000;

export class PartitionProgress {
  readonly #options: PartitionProgressOptions;
  readonly #now: () => number;
  readonly #watched = new Map<number, Watched>();
  readonly #timer: NodeJS.Timeout;
  #refreshing: Promise<void> | undefined;

  constructor(options: PartitionProgressOptions) {
    this.#options = options;
    this.#now = options.now ?? (() => performance.now());
    this.#timer = setInterval(() => this.check(), options.everyMs).unref();
  }

  /** Takes all assigned partitions. One that stays keeps its time: a reassignment is no progress. */
  assigned(partitions: readonly number[]): void {
    for (const partition of this.#watched.keys()) {
      if (!partitions.includes(partition)) this.#watched.delete(partition);
    }
    for (const partition of partitions) {
      if (!this.#watched.has(partition)) this.#watched.set(partition, this.#begin());
    }
    this.check();
  }

  fetched(partition: number, topic: string, end: bigint): void {
    this.#watched.get(partition)?.ends.set(topic, end);
  }

  committed(partition: number, positions: Positions): void {
    const watched = this.#watched.get(partition);
    if (watched === undefined) return;
    for (const [topic, position] of positions) this.#move(watched, topic, position);
    this.#report(partition, watched);
  }

  /** Reports the known state, and again when the log has returned its ends; at most one request is pending. */
  check(): void {
    this.#reportAll();
    this.#refreshing ??= this.#refresh()
      .then(
        () => this.#reportAll(),
        (error: unknown) => this.#options.logger.debug({ error }, 'cannot read the consumer lag'),
      )
      .finally(() => {
        this.#refreshing = undefined;
      });
  }

  close(): void {
    clearInterval(this.#timer);
    this.#watched.clear();
  }

  #begin(): Watched {
    return { committed: new Map(), ends: new Map(), movedAt: this.#now(), isLogged: false };
  }

  async #refresh(): Promise<void> {
    const { admin, group, topics } = this.#options;
    for (const topic of topics) {
      // Ends first: a commit in between makes the lag too small, never too large.
      const ranges = await admin.offsets(topic);
      const committed = await admin.committed(group, topic);
      for (const [partition, watched] of this.#watched) {
        const range = ranges[partition];
        if (range === undefined) continue;
        watched.ends.set(topic, range.high);
        this.#move(watched, topic, committed[partition] ?? range.low);
      }
    }
  }

  /** The response of the log may be older than a local commit. */
  #move(watched: Watched, topic: string, position: bigint): void {
    const known = watched.committed.get(topic);
    if (known !== undefined && known >= position) return;
    watched.committed.set(topic, position);
    if (known !== undefined) watched.movedAt = this.#now();
  }

  #reportAll(): void {
    for (const [partition, watched] of this.#watched) this.#report(partition, watched);
  }

  #report(partition: number, watched: Watched): void {
    const lag = lagOf(watched);
    const behind = [...lag.values()].reduce((sum, records) => sum + records, 0);
    if (behind === 0) watched.movedAt = this.#now();
    const stalledMs = this.#now() - watched.movedAt;
    this.#options.observer.lag?.(partition, lag);
    this.#options.observer.stalled?.(partition, stalledMs / 1_000);
    this.#log(partition, watched, { behind, stalledMs });
  }

  #log(partition: number, watched: Watched, fields: { readonly behind: number; readonly stalledMs: number }) {
    const isStalled = fields.stalledMs >= loggedAfterMs;
    if (isStalled && !watched.isLogged) {
      const { group, logger } = this.#options;
      logger.warn({ group, partition, ...fields }, 'partition stalled');
    }
    watched.isLogged = isStalled;
  }
}

/** Lag by topic, where end and position are known. */
function lagOf({ committed, ends }: Watched): ReadonlyMap<string, number> {
  const lag = new Map<string, number>();
  for (const [topic, end] of ends) {
    const position = committed.get(topic);
    if (position !== undefined) lag.set(topic, Math.max(0, Number(end - position)));
  }
  return lag;
}
