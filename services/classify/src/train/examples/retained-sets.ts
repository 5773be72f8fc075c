/**
 * Whenever the group changes, every partition is opened anew, also where its partition stays with this process. Its store then stands where it
 * stood, or a few records behind, and its labelled sets need not be added up from every example again: they wait here for the partition.
 */
import type { Positions } from '@headwater/log';
import type { TrainingSets } from './training-sets.ts';

/** A rebalance takes seconds; the sets of a partition that went to another process must not stay in memory. */
const keptMs = 60_000;

/** The sets of all examples before these positions, and of no others. */
export interface Kept {
  readonly sets: TrainingSets;
  readonly positions: Positions;
}

interface Waiting extends Kept {
  readonly timer: NodeJS.Timeout;
}

export class RetainedTrainingSets {
  readonly #partitions = new Map<number, Waiting>();

  /** Hands the sets over: the one who had them must not change them any more. */
  keep(partition: number, { sets, positions }: Kept): void {
    this.forget(partition);
    const timer = setTimeout(() => this.#partitions.delete(partition), keptMs).unref();
    this.#partitions.set(partition, { sets, positions: new Map(positions), timer });
  }

  /** At most once: whoever takes them has them alone. */
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

/** Whether sets at these positions are those of a store that goes on from there. */
export function areAtPositions({ positions }: Kept, from: Positions): boolean {
  const same = [...from].every(([topic, offset]) => positions.get(topic) === offset);
  return same && from.size > 0 && from.size === positions.size;
}
