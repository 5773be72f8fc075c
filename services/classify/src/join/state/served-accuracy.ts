/**
 * Served accuracy: the published prediction against the first label of its image. Counted once for each image
 * and task, and never revised.
 */
import type { Answer, ImageState } from './image-state.ts';
import type { ServedPrediction } from './served-answers.ts';

/** Number of newest scores that `recent` covers. */
const recentScores = 500;

export interface ServedScores {
  readonly labelled: number;
  readonly correct: number;
  /** Labelled images that were predicted while no head served; not among `labelled`. */
  readonly unanswered: number;
  /** Newest last, at most `recentScores`; times in milliseconds since the epoch. */
  readonly recent: readonly Score[];
}

interface Score {
  readonly at: number;
  readonly correct: boolean;
}

/** Undefined while the prediction or the label is missing. */
export type Outcome = 'correct' | 'wrong' | 'unanswered';

export const noScores: ServedScores = { labelled: 0, correct: 0, unanswered: 0, recent: [] };

/** The state of an image after a prediction or label. */
export interface Meeting {
  readonly image: ImageState;
  readonly outcome: Outcome | undefined;
  /** Prediction and label, where they have met and a head served. */
  readonly met?: { readonly given: ServedPrediction; readonly truth: string };
}

/** A prediction was published for the image; null while no head served. */
export function scorePredicted(
  image: ImageState,
  task: string,
  predicted: string | null,
  answeredFor: number,
  given?: ServedPrediction,
): Meeting {
  return meet(image, task, { predicted, answeredFor, ...(given === undefined ? {} : { given }) });
}

/** The image was labelled. Only the first label counts. */
export function scoreLabelled(image: ImageState, task: string, label: string): Meeting {
  return meet(image, task, { first: image.answers.get(task)?.first ?? label });
}

/** The published prediction is unknown: nothing is counted for it. */
export function withoutScore(image: ImageState, task: string, answeredFor: number): ImageState {
  return { ...image, answers: new Map(image.answers).set(task, { answeredFor, closed: true }) };
}

export function countOutcome(scores: ServedScores, outcome: Outcome, at: number): ServedScores {
  if (outcome === 'unanswered') return { ...scores, unanswered: scores.unanswered + 1 };
  const correct = outcome === 'correct';
  return {
    labelled: scores.labelled + 1,
    correct: scores.correct + Number(correct),
    unanswered: scores.unanswered,
    recent: [...scores.recent, { at, correct }].slice(-recentScores),
  };
}

/** Adds up the scores of several partitions. */
export function mergeScores(all: readonly ServedScores[]): ServedScores {
  const sum = (pick: (scores: ServedScores) => number) => all.reduce((total, one) => total + pick(one), 0);
  // Scores of the same time are ordered, too, so that the order of the partitions does not matter.
  const recent = all
    .flatMap((scores) => scores.recent)
    .sort((a, b) => a.at - b.at || Number(a.correct) - Number(b.correct));
  return {
    labelled: sum((scores) => scores.labelled),
    correct: sum((scores) => scores.correct),
    unanswered: sum((scores) => scores.unanswered),
    recent: recent.slice(-recentScores),
  };
}

/** Three counts as float64, then the times, negative where the prediction was wrong. */
export function encodeScores(scores: ServedScores): Buffer {
  const values = [scores.labelled, scores.correct, scores.unanswered];
  for (const { at, correct } of scores.recent) values.push(correct ? at : -at);
  return Buffer.from(Float64Array.from(values).buffer);
}

export function decodeScores(bytes: Buffer | undefined): ServedScores {
  if (bytes === undefined) return noScores;
  const [labelled = 0, correct = 0, unanswered = 0, ...times] = new Float64Array(
    Uint8Array.from(bytes).buffer,
  );
  return {
    labelled,
    correct,
    unanswered,
    recent: times.map((time) => ({ at: Math.abs(time), correct: time > 0 })),
  };
}

function meet(image: ImageState, task: string, news: Partial<Answer>): Meeting {
  const old = image.answers.get(task);
  const answer: Answer = { closed: false, ...old, ...news };
  const outcome = outcomeOf(answer);
  const { answeredFor, given, first } = answer;
  const met = { closed: true, ...(answeredFor === undefined ? {} : { answeredFor }) };
  const kept = answer.closed || outcome !== undefined ? met : answer;
  const after = { ...image, answers: new Map(image.answers).set(task, kept) };
  const answered = outcome === 'correct' || outcome === 'wrong';
  if (!answered || given === undefined || first === undefined) return { image: after, outcome };
  return { image: after, outcome, met: { given, truth: first } };
}

function outcomeOf(answer: Answer): Outcome | undefined {
  if (answer.closed) return undefined;
  if (answer.predicted === undefined || answer.first === undefined) return undefined;
  if (answer.predicted === null) return 'unanswered';
  return answer.predicted === answer.first ? 'correct' : 'wrong';
}
