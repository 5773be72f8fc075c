/**
 * Candidates for a label. Each partition has a fixed number of slots a task; a new image competes for the
 * next slot in turn, and the more urgent one by the present head keeps it. So slots fill with images that
 * later heads cannot decide either, at constant cost an image.
 */
import { marginOf, rankForReview } from '@headwater/heads';
import type { ImageClassified } from '@headwater/schemas';
import type { Draft, StateReader } from '../../store/state.ts';
import { type ImageState, winner } from './image-state.ts';
import { advance, nextSlot, putSlot, type RingBuffer, readRingBuffer, readSlot } from './ring-buffer.ts';

export interface Candidate {
  readonly imageId: string;
  /** Version of the head that judged last; null: none. */
  readonly version: number | null;
  /** From `rankForReview`; 1 without a head. */
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

/** Whether the image has no label for the task; a retracted label is none. */
export function isUnlabelled(image: ImageState, task: string): boolean {
  return (winner(image, task)?.label ?? null) === null;
}

/**
 * `judge` returns the present priority of a candidate; undefined for one that was labelled or erased, or has
 * no vector.
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
