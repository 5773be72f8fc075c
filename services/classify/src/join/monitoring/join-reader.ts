/** What the API reads of the partitions of the join that this process works on; other partitions are other processes' to tell, and answers say so. */
import { EventLoopBudget } from '../../event-loop.ts';
import type { StateReader } from '../../store/state.ts';
import { isUnlabelled, readCandidates } from '../state/candidates.ts';
import { readImage, readVector } from '../state/join-state.ts';
import {
  type RecentPrediction,
  readOutcomes,
  readPredictions,
  type ServedOutcome,
} from '../state/served-answers.ts';

export interface UnlabelledImage {
  readonly imageId: string;
  readonly numbers: Int16Array;
}

export interface OpenLane {
  readonly index: number;
  readonly store: StateReader;
}

/** What an answer is about: these partitions, of so many. */
export interface Coverage {
  /** Ascending. */
  readonly partitions: readonly number[];
  readonly ofPartitions: number;
}

export class JoinReader {
  readonly #partitions: () => readonly OpenLane[];
  readonly #partitionCount: number;

  /** `partitionCount`: how many there are, in this process and others. */
  constructor(partitions: () => readonly OpenLane[], partitionCount: number) {
    this.#partitions = partitions;
    this.#partitionCount = partitionCount;
  }

  coverage(): Coverage {
    return { partitions: this.partitions(), ofPartitions: this.#partitionCount };
  }

  /** Indexes of the partitions that are read, ascending. */
  partitions(): number[] {
    return this.#open()
      .map(({ index }) => index)
      .sort((a, b) => a - b);
  }

  /** At most a thousand a partition. */
  outcomes(task: string): Promise<ServedOutcome[]> {
    return this.#gather((store) => readOutcomes(store, task));
  }

  /** Newest first. */
  async predictions(task: string, limit: number): Promise<RecentPrediction[]> {
    const all = await this.#gather((store) => readPredictions(store, task));
    return all.sort((a, b) => b.predictedAt - a.predictedAt).slice(0, limit);
  }

  /** The images without a label that were kept, each with its vector; at most 2,000 a partition. */
  unlabelled(task: string, extractor: string): Promise<UnlabelledImage[]> {
    return this.#gather((store) => readUnlabelled(store, task, extractor));
  }

  /** The image's vector that counts now; undefined where no partition of this process has it. */
  vector(imageId: string, extractor: string): Int16Array | undefined {
    for (const { store } of this.#open()) {
      const numbers = readVector(store, imageId, extractor);
      if (numbers !== undefined) return numbers;
    }
    return undefined;
  }

  #open(): readonly OpenLane[] {
    return this.#partitions();
  }

  /** A partition that was given away in between is left out: its store is closed. */
  async #gather<T>(read: (store: StateReader) => readonly T[]): Promise<T[]> {
    const found: T[] = [];
    const eventLoop = new EventLoopBudget();
    for (const { index, store } of this.#open()) {
      if (this.#open().some((one) => one.index === index && one.store === store)) found.push(...read(store));
      await eventLoop.yieldIfDue();
    }
    return found;
  }
}

function readUnlabelled(store: StateReader, task: string, extractor: string): UnlabelledImage[] {
  return readCandidates(store, task).flatMap(({ imageId }) => {
    if (!isUnlabelled(readImage(store, imageId), task)) return [];
    const numbers = readVector(store, imageId, extractor);
    return numbers === undefined ? [] : [{ imageId, numbers }];
  });
}
