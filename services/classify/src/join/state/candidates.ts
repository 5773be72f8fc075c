/**
 * Images worth a label. Each partition keeps a bounded number of places for each task; a new image contests the place that comes next in turn,
 * and the more urgent of the two stays, judged by the head of now. So the places fill up with what later heads, too, cannot decide,
 * and no image costs more than one other.
 */
import { marginOf, rankForReview } from '@headwater/heads';
import type { ImageClassified } from '@headwater/schemas';
import type { Draft, StateReader } from '../../store/state.ts';
import { type ImageState, winner } from './image-state.ts';
import { advance, nextSlot, putSlot, type RingBuffer, readRingBuffer, readSlot } from './ring-buffer.ts';

export interface Candidate {
  readonly imageId: string;
  /** Of the head that judged last; null: none did. */
  readonly version: number | null;
  /** As `rankForReview` has it; 1 where no head judged. */
  readonly priority: number;
}

export const candidates: RingBuffer<Candidate> = {
  name: 'candidate',
  size: 2_000,
  imageOf: ({ imageId }) => imageId,
};

export function candidateOf({ imageId, head, probabilities, novelty }: ImageClassified): Candidate {
  if (head === null) return { imageId, version: null, priority: 1 };
  const values = Float64Array.from(Object.values(probabilities));
  const [ranked] = rankForReview([{ imageId, probabilities: values, novelty }], 1);
  return { imageId, version: head.version, priority: ranked?.priority ?? 1 - marginOf(values) };
}

/** Has the image a label for the task, or has nobody said yet? A retracted label is none. */
export function isUnlabelled(image: ImageState, task: string): boolean {
  return (winner(image, task)?.label ?? null) === null;
}

/**
 * `judge` answers a candidate's priority of now; undefined when it is none any more: labelled, erased, or without a vector.
 */
export function offerCandidate(
  draft: Draft,
  task: string,
  offered: Candidate,
  judge: (candidate: Candidate) => Candidate | undefined,
): void {
  const place = nextSlot(draft, candidates, task);
  const holder = readSlot(draft, candidates, task, place);
  advance(draft, candidates, task);
  const judged = holder === undefined || holder.imageId === offered.imageId ? undefined : judge(holder);
  const staying = judged !== undefined && judged.priority > offered.priority ? judged : offered;
  if (staying !== holder) putSlot(draft, candidates, task, place, staying);
}

/** Each image once, in no particular order. */
export function readCandidates(state: StateReader, task: string): Candidate[] {
  const byImage = new Map(
    readRingBuffer(state, candidates, task).map((candidate) => [candidate.imageId, candidate]),
  );
  return [...byImage.values()];
}
