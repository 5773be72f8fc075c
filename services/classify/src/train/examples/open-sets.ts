/** The labelled sets that the trainers of this process hold, with the stores that keep their examples: the API asks about them here. */
import type { LabelledSet } from '@headwater/heads';
import type { StateReader } from '../../store/state.ts';
import type { LabelledSets } from './training-sets.ts';

export interface OpenLane {
  readonly store: StateReader;
  readonly sets: LabelledSets;
}

export interface OpenSet extends OpenLane {
  readonly set: LabelledSet;
}

export class OpenSets {
  readonly #lanes = new Map<number, OpenLane>();

  opened(index: number, lane: OpenLane): void {
    this.#lanes.set(index, lane);
  }

  closed(index: number, { store }: OpenLane): void {
    if (this.#lanes.get(index)?.store === store) this.#lanes.delete(index);
  }

  /** Whether this process trains the partition. */
  has(index: number): boolean {
    return this.#lanes.has(index);
  }

  /** Undefined where there is no example, or another process has them. */
  find(extractor: string, task: string): OpenSet | undefined {
    for (const lane of this.#lanes.values()) {
      const set = lane.sets.get(extractor, task);
      if (set !== undefined) return { ...lane, set };
    }
    return undefined;
  }
}
