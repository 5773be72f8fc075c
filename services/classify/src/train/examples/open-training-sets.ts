/** The training sets of this process with the stores of their examples, for the API. */
import type { TrainingSet } from '@headwater/heads';
import type { StateReader } from '../../store/state.ts';
import type { TrainingSets } from './training-sets.ts';

export interface OpenPartition {
  readonly store: StateReader;
  readonly sets: TrainingSets;
}

export interface OpenTrainingSet extends OpenPartition {
  readonly set: TrainingSet;
}

export class OpenTrainingSets {
  readonly #partitions = new Map<number, OpenPartition>();

  opened(index: number, partition: OpenPartition): void {
    this.#partitions.set(index, partition);
  }

  closed(index: number, { store }: OpenPartition): void {
    if (this.#partitions.get(index)?.store === store) this.#partitions.delete(index);
  }

  /** Indexes of the partitions that this process trains, ascending. */
  partitions(): number[] {
    return [...this.#partitions.keys()].sort((a, b) => a - b);
  }

  /** Whether the partition is assigned to this process. */
  has(index: number): boolean {
    return this.#partitions.has(index);
  }

  /** Undefined where there is no example, or where another process trains the task. */
  find(extractor: string, task: string): OpenTrainingSet | undefined {
    for (const partition of this.#partitions.values()) {
      const set = partition.sets.get(extractor, task);
      if (set !== undefined) return { ...partition, set };
    }
    return undefined;
  }
}
