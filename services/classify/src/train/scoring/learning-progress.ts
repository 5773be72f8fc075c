/**
 * Which committed examples of a partition no head has learned yet, and how long labels waited for the head that serves. A head has
 * learned what lies below its watermark, which is always the end of a batch.
 */
import type { LogRecord } from '@headwater/log';
import type { HeadTrained } from '@headwater/schemas';
import type { HeadSeries } from './head-series.ts';

/** Labels that were assigned longer before they were written, such as imported ones, count from then on. */
const longestWriteMs = 3_600_000;
/** Of one set. Beyond, labels count as not learned, but their times are not measured. */
const mostTimes = 10_000;
/** Of one set. Beyond, a batch is counted with the one before. */
const mostBatches = 1_000;

interface Batch {
  /** The offset after its last record. */
  end: bigint;
  changes: number;
  /** When labels were assigned, milliseconds since the epoch. */
  times: number[];
}

interface SetProgress {
  batches: Batch[];
  /** Up to where the times of the labels are measured. */
  served: bigint;
}

/** A change of a set by one record. */
export interface LearnedRecord {
  readonly extractor: string;
  readonly task: string;
  readonly record: Pick<LogRecord, 'offset' | 'timestamp'>;
  /** When its label was assigned; undefined where that is not known, or an example was removed. */
  readonly assignedAt: number | undefined;
}

type SetName = Pick<HeadSeries, 'extractor' | 'task'>;

const idOf = ({ extractor, task }: SetName) => JSON.stringify([extractor, task]);

export class LearningProgress {
  readonly #sets = new Map<string, SetProgress>();
  #pending: LearnedRecord[] = [];

  /** A record changed a set; it counts once its batch is committed. */
  learned(record: LearnedRecord): void {
    this.#pending.push(record);
  }

  forgetUncommitted(): void {
    this.#pending = [];
  }

  /** The batch was committed; `position` is the offset after it. */
  committed(position: bigint): void {
    for (const one of this.#pending) this.#batchOf(one, position).changes += 1;
    for (const one of this.#pending) {
      const set = this.#set(one);
      const time = labelTime(one);
      const known = set.batches.reduce((sum, { times }) => sum + times.length, 0);
      if (time !== undefined && known < mostTimes) this.#batchOf(one, position).times.push(time);
    }
    this.#pending = [];
  }

  /** A head that serves was committed: returns when the labels were assigned that it is the first to have learned. */
  serves({ extractor, task, watermark }: Pick<HeadTrained, 'extractor' | 'task' | 'watermark'>): number[] {
    const set = this.#sets.get(idOf({ extractor, task }));
    if (set === undefined) return [];
    const upTo = BigInt(watermark);
    const times = set.batches.filter(({ end }) => end > set.served && end <= upTo).flatMap(takeTimes);
    if (upTo > set.served) set.served = upTo;
    return times;
  }

  /** Changes that the newest head of a series has not learned. */
  unlearned({ extractor, task, newest }: Pick<HeadSeries, 'extractor' | 'task' | 'newest'>): number {
    const upTo = BigInt(newest?.watermark ?? -1);
    const batches = this.#sets.get(idOf({ extractor, task }))?.batches ?? [];
    return batches.reduce((sum, { end, changes }) => (end > upTo ? sum + changes : sum), 0);
  }

  /** All series of a set have learned what lies below: nothing of it is needed any more. */
  prune(set: SetName, watermark: bigint): void {
    const known = this.#sets.get(idOf(set));
    if (known === undefined) return;
    known.batches = known.batches.filter(({ end }) => end > watermark);
    if (known.batches.length === 0) this.#sets.delete(idOf(set));
  }

  #set(name: SetName): SetProgress {
    const set = this.#sets.get(idOf(name)) ?? { batches: [], served: -1n };
    this.#sets.set(idOf(name), set);
    return set;
  }

  #batchOf(name: SetName, end: bigint): Batch {
    const { batches } = this.#set(name);
    const last = batches.at(-1);
    if (last !== undefined && (last.end === end || batches.length >= mostBatches)) {
      last.end = end;
      return last;
    }
    const batch: Batch = { end, changes: 0, times: [] };
    batches.push(batch);
    return batch;
  }
}

function takeTimes(batch: Batch): number[] {
  const { times } = batch;
  batch.times = [];
  return times;
}

function labelTime({ assignedAt, record: { timestamp } }: LearnedRecord): number | undefined {
  if (assignedAt === undefined) return undefined;
  return timestamp - assignedAt > longestWriteMs ? timestamp : assignedAt;
}
