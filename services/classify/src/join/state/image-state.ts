/**
 * The join's state of one image, and its pure transitions. Of the set of labels only the winner is kept, so
 * their order and repetition do not matter; vectors replace each other in the order of their topic.
 */
import type { ServedPrediction } from './served-answers.ts';

/** A label from a person or from the source of the image. */
export interface StatedLabel {
  /** From `labels`, not with the image. */
  readonly byPerson: boolean;
  /** Milliseconds since the epoch. */
  readonly assignedAt: number;
  readonly annotator: string;
  /** As it was received; null retracts. Outputs have the class that `classOfLabel` returns. */
  readonly label: string | null;
}

type LabelsByTask = ReadonlyMap<string, StatedLabel>;

/** An image's vector without its numbers, which are stored separately. */
export interface KeptVector {
  /** Identifies the vector: a digest of the quantised numbers. */
  readonly digest: string;
  readonly group: string | null;
  /** When its image was received; the same for every extractor. */
  readonly receivedAt: number;
  /** Labels that came with the image through this extractor. */
  readonly stated: LabelsByTask;
}

/** State of a task's published prediction and its first label. */
export interface Answer {
  /** Undefined: no prediction. null: predicted while no head served. */
  readonly predicted?: string | null;
  readonly first?: string;
  /** The published prediction, until the first label. */
  readonly given?: ServedPrediction;
  /** `receivedAt` of the image of the last prediction. */
  readonly answeredFor?: number;
  /** Prediction and label have met: later ones do not count. */
  readonly closed: boolean;
}

export interface ImageState {
  readonly imageId: string;
  /** Winning labels of the topic `labels`. */
  readonly assigned: LabelsByTask;
  readonly vectors: ReadonlyMap<string, KeptVector>;
  readonly answers: ReadonlyMap<string, Answer>;
  /**
   * Last erasure of the image, milliseconds since the epoch: earlier labels do not count, whenever they
   * arrive.
   */
  readonly erasedAt?: number;
}

export function unseenImage(imageId: string): ImageState {
  return { imageId, assigned: new Map(), vectors: new Map(), answers: new Map() };
}

/** The larger of (person before source, assignedAt, annotator, label) wins; null is the smallest label. */
export function largerLabel(a: StatedLabel | undefined, b: StatedLabel): StatedLabel {
  return a !== undefined && compareLabels(a, b) >= 0 ? a : b;
}

export function withLabel(image: ImageState, task: string, label: StatedLabel): ImageState {
  if (isErased(image, label)) return image;
  return { ...image, assigned: merged(image.assigned, new Map([[task, label]])) };
}

export function withVector(image: ImageState, extractor: string, vector: KeptVector): ImageState {
  const before = image.vectors.get(extractor);
  const stated = before === undefined ? vector.stated : merged(before.stated, vector.stated);
  return { ...image, vectors: new Map(image.vectors).set(extractor, { ...vector, stated }) };
}

/**
 * Erases the image for one extractor: removes the vector, and all labels from before. Each extractor reports
 * the erasure separately.
 */
export function withoutVector(image: ImageState, extractor: string, at: number): ImageState {
  const vectors = new Map(image.vectors);
  vectors.delete(extractor);
  const erased = { ...image, vectors, answers: new Map(), erasedAt: Math.max(image.erasedAt ?? at, at) };
  return {
    ...erased,
    assigned: new Map([...image.assigned].filter(([, label]) => !isErased(erased, label))),
  };
}

/** Whether the label is older than the erasure of the image. */
export function isErased({ erasedAt }: ImageState, { assignedAt }: StatedLabel): boolean {
  return erasedAt !== undefined && assignedAt <= erasedAt;
}

/** The label that counts for a task, if any. */
export function winner(image: ImageState, task: string): StatedLabel | undefined {
  let best = image.assigned.get(task);
  for (const { stated } of image.vectors.values()) {
    const label = stated.get(task);
    if (label !== undefined) best = largerLabel(best, label);
  }
  return best;
}

/** Every task with a label. */
export function tasksOf(image: ImageState): Set<string> {
  const tasks = new Set(image.assigned.keys());
  for (const { stated } of image.vectors.values()) for (const task of stated.keys()) tasks.add(task);
  return tasks;
}

/** An example to be written or erased, so that the table matches the state after the change. */
export interface ExampleChange {
  readonly extractor: string;
  readonly task: string;
  /** null erases. */
  readonly winner: StatedLabel | null;
}

export function exampleChanges(before: ImageState, after: ImageState): ExampleChange[] {
  const changes: ExampleChange[] = [];
  for (const extractor of new Set([...before.vectors.keys(), ...after.vectors.keys()])) {
    for (const task of new Set([...tasksOf(before), ...tasksOf(after)])) {
      const winning = winner(after, task) ?? null;
      const now = after.vectors.has(extractor) ? winning : null;
      const old = before.vectors.has(extractor) ? (winner(before, task) ?? null) : null;
      if (sameExample(before, old, after, now, extractor)) continue;
      changes.push({ extractor, task, winner: now });
    }
  }
  return changes;
}

/** Labels of images that have no vector yet. */
export function unmatchedLabels(image: ImageState): number {
  return image.vectors.size > 0 ? 0 : image.assigned.size;
}

function sameExample(
  before: ImageState,
  old: StatedLabel | null,
  after: ImageState,
  now: StatedLabel | null,
  extractor: string,
): boolean {
  if (old === null || now === null) return old === now;
  const a = before.vectors.get(extractor);
  const b = after.vectors.get(extractor);
  return compareLabels(old, now) === 0 && a?.digest === b?.digest && a?.group === b?.group;
}

function merged(labels: LabelsByTask, more: LabelsByTask): LabelsByTask {
  const result = new Map(labels);
  for (const [task, label] of more) result.set(task, largerLabel(labels.get(task), label));
  return result;
}

/** Negative where `a` loses. */
export function compareLabels(a: StatedLabel, b: StatedLabel): number {
  return (
    Number(a.byPerson) - Number(b.byPerson) ||
    a.assignedAt - b.assignedAt ||
    compareText(a.annotator, b.annotator) ||
    compareAnswers(a.label, b.label)
  );
}

function compareAnswers(a: string | null, b: string | null): number {
  if (a === null || b === null) return Number(a !== null) - Number(b !== null);
  return compareText(a, b);
}

function compareText(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a, 'utf8'), Buffer.from(b, 'utf8'));
}
