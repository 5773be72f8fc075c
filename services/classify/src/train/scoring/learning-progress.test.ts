import { expect, it } from 'vitest';
import { type LearnedRecord, LearningProgress } from './learning-progress.ts';

const set = { extractor: 'e.v1', task: 't' };
const hour = 3_600_000;
const now = 1_800_000_000_000;

function change(offset: number, assignedAt: number | undefined = now, timestamp = now): LearnedRecord {
  return { ...set, record: { offset: BigInt(offset), timestamp }, assignedAt };
}

/** Commits batches, given by the offsets of their records. */
function withBatches(...batches: readonly (readonly number[])[]): LearningProgress {
  const progress = new LearningProgress();
  for (const offsets of batches) {
    for (const offset of offsets) progress.learned(change(offset, now + offset));
    progress.committed(BigInt((offsets.at(-1) ?? 0) + 1));
  }
  return progress;
}

const unlearned = (progress: LearningProgress, watermark?: number) =>
  progress.unlearned({ ...set, newest: watermark === undefined ? undefined : ({ watermark } as never) });

it('counts committed changes above the watermark of the newest head', () => {
  const progress = withBatches([0, 1, 2], [3], [4, 5]);
  expect([undefined, 0, 3, 4, 6].map((watermark) => unlearned(progress, watermark))).toEqual([6, 6, 3, 2, 0]);
  expect(progress.unlearned({ ...set, task: 'other', newest: undefined })).toBe(0);
});

it('does not count a batch that was not committed', () => {
  const progress = withBatches([0]);
  progress.learned(change(1));
  progress.forgetUncommitted();
  progress.committed(2n);
  expect(unlearned(progress)).toBe(1);
});

it('returns the time of each label once, to the first serving head that has learned it', () => {
  const progress = withBatches([0, 1], [2], [3]);
  expect(progress.serves({ ...set, watermark: 3 })).toEqual([now, now + 1, now + 2]);
  expect(progress.serves({ ...set, watermark: 3 })).toEqual([]);
  expect(progress.serves({ ...set, watermark: 2 })).toEqual([]);
  expect(progress.serves({ ...set, watermark: 4 })).toEqual([now + 3]);
});

it('measures labels that are much older than their record from the record on', () => {
  const progress = new LearningProgress();
  progress.learned(change(0, now - hour));
  progress.learned(change(1, now - hour - 1));
  progress.learned(change(2, 0));
  progress.learned(change(3, now + 5));
  progress.learned({ ...change(4), assignedAt: undefined });
  progress.committed(5n);
  expect(progress.serves({ ...set, watermark: 5 })).toEqual([now - hour, now, now, now + 5]);
});

it('forgets what all series have learned', () => {
  const progress = withBatches([0, 1], [2]);
  progress.prune(set, 2n);
  expect(unlearned(progress)).toBe(1);
  progress.prune(set, 3n);
  expect(unlearned(progress)).toBe(0);
  expect(progress.serves({ ...set, watermark: 3 })).toEqual([]);
});

it('remembers a bounded number of labels of a set that no head learns', () => {
  const progress = new LearningProgress();
  for (let offset = 0; offset < 12_000; offset += 5) {
    for (let one = offset; one < offset + 5; one += 1) progress.learned(change(one));
    progress.committed(BigInt(offset + 5));
  }
  expect(unlearned(progress)).toBe(12_000);
  expect(progress.serves({ ...set, watermark: 12_000 })).toHaveLength(10_000);
});
