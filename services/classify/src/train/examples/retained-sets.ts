/**
 * Every rebalance reopens all partitions, also those that stay with this process. Their training sets are
 * kept here meanwhile, so that they need not be summed again from all examples.
 */
import type { Positions } from '@headwater/log';
import type { TrainingSets } from './training-sets.ts';

/** Longer than a rebalance; the sets of a partition that moved elsewhere must not stay in memory. */
const keptMs = 60_000;

/** The sets of exactly the examples before these positions. */
export interface Kept {
  readonly sets: TrainingSets;
  readonly positions: Positions;
}

interface Waiting extends Kept {
  readonly timer: NodeJS.Timeout;
}

export class RetainedTrainingSets {
  readonly #partitions = new Map<number, Waiting>();

  /** The caller must not change the sets afterwards. */
  keep(partition: number, { sets, positions }: Kept): void {
    this.forget(partition);
    const timer = setTimeout(() => this.#partitions.delete(partition), keptMs).unref();
    this.#partitions.set(partition, { sets, positions: new Map(positions), timer });
  }

  /** Returns the sets once: the caller owns them. */
  take(partition: number): Kept | undefined {
    const kept = this.#partitions.get(partition);
    this.forget(partition);
    return kept;
  }

  forget(partition: number): void {
    clearTimeout(this.#partitions.get(partition)?.timer);
    this.#partitions.delete(partition);
  }
}

/** Whether the sets match a store that continues from these positions. */
export function areAtPositions({ positions }: Kept, from: Positions): boolean {
  const same = [...from].every(([topic, offset]) => positions.get(topic) === offset);
  return same && from.size > 0 && from.size === positions.size;
}
