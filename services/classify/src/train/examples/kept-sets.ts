/**
 * Whenever the group changes, every lane is opened anew, also where its partition stays with this process. Its store then stands where it
 * stood, or a few records behind, and its labelled sets need not be added up from every example again: they wait here for the lane.
 */
import type { Positions } from '@headwater/log';
import type { LabelledSets } from './training-sets.ts';

/** A rebalance takes seconds; the sets of a lane that went to another process must not stay in memory. */
const keptMs = 60_000;

/** The sets of all examples before these positions, and of no others. */
export interface Kept {
  readonly sets: LabelledSets;
  readonly positions: Positions;
}

interface Waiting extends Kept {
  readonly timer: NodeJS.Timeout;
}

export class KeptSets {
  readonly #lanes = new Map<number, Waiting>();

  /** Hands the sets over: the one who had them must not change them any more. */
  keep(lane: number, { sets, positions }: Kept): void {
    this.forget(lane);
    const timer = setTimeout(() => this.#lanes.delete(lane), keptMs).unref();
    this.#lanes.set(lane, { sets, positions: new Map(positions), timer });
  }

  /** At most once: whoever takes them has them alone. */
  take(lane: number): Kept | undefined {
    const kept = this.#lanes.get(lane);
    this.forget(lane);
    return kept;
  }

  forget(lane: number): void {
    clearTimeout(this.#lanes.get(lane)?.timer);
    this.#lanes.delete(lane);
  }
}

/** Whether sets at these positions are those of a store that goes on from there. */
export function areAt({ positions }: Kept, from: Positions): boolean {
  const same = [...from].every(([topic, offset]) => positions.get(topic) === offset);
  return same && from.size > 0 && from.size === positions.size;
}
