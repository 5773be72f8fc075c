/**
 * Reads for the API the partitions of the join that are assigned to this process; results name their
 * coverage.
 */
import { compareUtf8 } from '@headwater/heads';
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

export interface OpenPartition {
  readonly index: number;
  readonly store: StateReader;
}

/** What the join keeps of an image, as ingest shows it. */
export interface ImageStatus {
  /** Of the newest record with a vector. */
  readonly receivedAt: number | null;
  readonly erasedAt: number | null;
  readonly isPredicted: boolean;
  readonly predictions: readonly RecentPrediction[];
}

/** The partitions that a result covers, and their total number. */
export interface Coverage {
  /** Ascending. */
  readonly partitions: readonly number[];
  readonly ofPartitions: number;
}

export class JoinReader {
  readonly #partitions: () => readonly OpenPartition[];
  readonly #partitionCount: number;

  /** `partitionCount`: of the whole installation. */
  constructor(partitions: () => readonly OpenPartition[], partitionCount: number) {
    this.#partitions = partitions;
    this.#partitionCount = partitionCount;
  }

  coverage(): Coverage {
    return { partitions: this.partitions(), ofPartitions: this.#partitionCount };
  }

  /** Indexes of the partitions of this process, ascending. */
  partitions(): number[] {
    return this.#open()
      .map(({ index }) => index)
      .sort((a, b) => a - b);
  }

  /** At most a thousand a partition, in no particular order. */
  outcomes(task: string): Promise<ServedOutcome[]> {
    return this.#gather((store) => readOutcomes(store, task));
  }

  /** Newest first. */
  async predictions(task: string, limit: number): Promise<RecentPrediction[]> {
    const all = await this.#gather((store) => readPredictions(store, task));
    return newestPredictions(all, limit);
  }

  /** Stored candidates without a label, each with its vector; at most 2,000 a partition. */
  unlabelled(task: string, extractor: string): Promise<UnlabelledImage[]> {
    return this.#gather((store) => readUnlabelled(store, task, extractor));
  }

  /** The image's present vector; undefined where no partition of this process has it. */
  vector(imageId: string, extractor: string): Int16Array | undefined {
    for (const { store } of this.#open()) {
      const numbers = readVector(store, imageId, extractor);
      if (numbers !== undefined) return numbers;
    }
    return undefined;
  }

  /** What is kept of the image, for its status; nothing where no partition of this process has it. */
  image(imageId: string): ImageStatus {
    const unknown = { receivedAt: null, erasedAt: null, isPredicted: false, predictions: [] };
    return (
      this.#open()
        .map(({ store }) => readStatus(store, imageId))
        .find(isKnown) ?? unknown
    );
  }

  #open(): readonly OpenPartition[] {
    return this.#partitions();
  }

  /** Skips a partition that is revoked meanwhile: its store is closed. */
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

function readStatus(store: StateReader, imageId: string): ImageStatus {
  const { vectors, answers, erasedAt = null } = readImage(store, imageId);
  const times = [...vectors.values()].map((vector) => vector.receivedAt);
  const receivedAt = times.length === 0 ? null : Math.max(...times);
  const predicted = [...answers].filter(([, { answeredFor }]) => answeredFor === receivedAt);
  const isNewest = (one: RecentPrediction) => one.imageId === imageId && one.receivedAt === receivedAt;
  return {
    receivedAt,
    erasedAt,
    isPredicted: receivedAt !== null && predicted.length > 0,
    predictions:
      receivedAt === null ? [] : predicted.flatMap(([task]) => readPredictions(store, task).filter(isNewest)),
  };
}

function isKnown({ receivedAt, erasedAt }: ImageStatus): boolean {
  return receivedAt !== null || erasedAt !== null;
}

/** Newest first; of the same time in the order of their images, so that the order of the partitions does not matter. */
export function newestPredictions(all: readonly RecentPrediction[], limit: number): RecentPrediction[] {
  return [...all]
    .sort(
      (a, b) =>
        b.predictedAt - a.predictedAt ||
        compareUtf8(a.imageId, b.imageId) ||
        compareUtf8(a.extractor, b.extractor),
    )
    .slice(0, limit);
}

/** In an order that does not depend on the partitions. */
export function orderedOutcomes(all: readonly ServedOutcome[]): ServedOutcome[] {
  return [...all].sort((a, b) => a.at - b.at || compareUtf8(a.imageId, b.imageId));
}

function readUnlabelled(store: StateReader, task: string, extractor: string): UnlabelledImage[] {
  return readCandidates(store, task).flatMap(({ imageId }) => {
    if (!isUnlabelled(readImage(store, imageId), task)) return [];
    const numbers = readVector(store, imageId, extractor);
    return numbers === undefined ? [] : [{ imageId, numbers }];
  });
}
