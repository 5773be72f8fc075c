/**
 * State transitions of the join over a draft of the partition's store: a vector, an erasure, a label or a
 * published prediction gives the examples to be written. Independent of the log and the clock: live
 * processing, rolling forward and rebuilding run the same code.
 */
import { HeadwaterError } from '@headwater/errors';
import { classOfLabel, type Example, type LabelAssigned, type VectorExtracted } from '@headwater/schemas';
import { erasedKey, erasedMark } from '../../store/rewriting.ts';
import type { Draft, StateReader } from '../../store/state.ts';
import {
  decodeImage,
  decodeNumbers,
  encodeImage,
  encodeNumbers,
  imageKey,
  vectorDigest,
  vectorKey,
} from './image-bytes.ts';
import {
  exampleChanges,
  type ImageState,
  isErased,
  type StatedLabel,
  unseenImage,
  withLabel,
  withoutVector,
  withVector,
} from './image-state.ts';
import { countImage, countScore, type Limits, requireCapacity } from './partition-counts.ts';
import { deleteImageEntries } from './ring-buffer.ts';
import { type Meeting, scoreLabelled, scorePredicted, withoutScore } from './served-accuracy.ts';
import { recordOutcome, type ServedPrediction } from './served-answers.ts';

/** One record of `examples`; null erases. */
export interface ExampleOutput {
  readonly extractor: string;
  readonly task: string;
  readonly imageId: string;
  readonly example: Example | null;
}

/** A quantised vector for the join. */
export interface IncomingVector {
  readonly extractor: string;
  readonly record: VectorExtracted;
  readonly numbers: Int16Array;
}

export function readImage(state: StateReader, imageId: string): ImageState {
  const bytes = state.get(imageKey(imageId));
  return bytes === undefined ? unseenImage(imageId) : { ...decodeImage(bytes), imageId };
}

/** The image's present vector of one extractor. */
export function readVector(state: StateReader, imageId: string, extractor: string): Int16Array | undefined {
  const bytes = state.get(vectorKey(imageId, extractor));
  return bytes === undefined ? undefined : decodeNumbers(bytes);
}

/** Errors: limit-exceeded when a label that came with the image exceeds a limit; nothing was changed then. */
export function applyVector(
  draft: Draft,
  vector: IncomingVector,
  now: number,
  limits: Limits,
): ExampleOutput[] {
  const { extractor, record, numbers } = vector;
  const stated = statedLabels(record);
  for (const [task, { label }] of stated) requireCapacity(draft, limits, task, label);
  const before = readImage(draft, record.imageId);
  const { group, receivedAt } = record;
  const kept = { digest: vectorDigest(numbers), group, receivedAt, stated };
  const after = withVector(before, extractor, kept);
  draft.put(vectorKey(record.imageId, extractor), encodeNumbers(numbers));
  const answered = withFirstLabels(draft, after, stated, now);
  return store(draft, before, answered);
}

/** Erases the image as of `at`, as one extractor reports it: its vector, labels and predictions. */
export function applyErasure(draft: Draft, extractor: string, imageId: string, at: number): ExampleOutput[] {
  const before = readImage(draft, imageId);
  draft.put(vectorKey(imageId, extractor), null);
  draft.put(erasedKey, erasedMark);
  deleteImageEntries(draft, imageId);
  return store(draft, before, withoutVector(before, extractor, at));
}

/** The tasks whose labels by people are deleted with an erasure of the image. */
export function unlabelledTasks(state: StateReader, imageId: string, at: number): string[] {
  const { assigned } = readImage(state, imageId);
  const forgotten = [...assigned].filter(([, { label, assignedAt }]) => label !== null && assignedAt <= at);
  return forgotten.map(([task]) => task);
}

/** Errors: limit-exceeded. */
export function applyLabel(
  draft: Draft,
  record: LabelAssigned,
  now: number,
  limits: Limits,
): ExampleOutput[] {
  requireCapacity(draft, limits, record.task, record.label);
  const { task, label, assignedAt, annotator } = record;
  const stated: StatedLabel = { byPerson: true, assignedAt, annotator, label };
  const before = readImage(draft, record.imageId);
  if (isErased(before, stated)) return [];
  const after = withLabel(before, task, stated);
  return store(draft, before, withFirstLabels(draft, after, new Map([[task, stated]]), now));
}

/** The published prediction of one image and task. */
export interface PublishedPrediction {
  readonly imageId: string;
  readonly task: string;
  /** null while no head served. */
  readonly label: string | null;
  /** Of the predicted image. */
  readonly receivedAt: number;
  /** Left out while no head served. */
  readonly given?: ServedPrediction;
}

/** Records a published prediction. */
export function applyPrediction(draft: Draft, published: PublishedPrediction, now: number): void {
  const { imageId, task, label, receivedAt, given } = published;
  const before = readImage(draft, imageId);
  const meeting = scorePredicted(before, task, label, receivedAt, given);
  score(draft, task, meeting, now);
  store(draft, before, meeting.image);
}

/** Records a prediction that was published, but lost with the store. */
export function applyUnknownPrediction(
  draft: Draft,
  published: Omit<PublishedPrediction, 'label' | 'given'>,
): void {
  const before = readImage(draft, published.imageId);
  store(draft, before, withoutScore(before, published.task, published.receivedAt));
}

/**
 * The vector of `extractor` if it has the same source record and no prediction: when the serving extractor
 * changes between two vectors of an image, neither would be predicted.
 */
export function vectorWithoutPrediction(
  draft: Draft,
  { imageId, task, receivedAt }: Omit<PublishedPrediction, 'label' | 'given'>,
  extractor: string,
): Int16Array | undefined {
  const image = readImage(draft, imageId);
  const waits = image.vectors.get(extractor)?.receivedAt === receivedAt;
  if (!waits || image.answers.get(task)?.answeredFor === receivedAt) return undefined;
  return readVector(draft, imageId, extractor);
}

function withFirstLabels(
  draft: Draft,
  image: ImageState,
  labels: ReadonlyMap<string, StatedLabel>,
  now: number,
): ImageState {
  let result = image;
  for (const [task, { label }] of labels) {
    if (label === null) continue;
    const meeting = scoreLabelled(result, task, classOfLabel(label));
    score(draft, task, meeting, now);
    result = meeting.image;
  }
  return result;
}

function score(draft: Draft, task: string, { image, outcome, met }: Meeting, now: number): void {
  if (outcome !== undefined) countScore(draft, task, outcome, now);
  if (met === undefined) return;
  const { imageId } = image;
  recordOutcome(draft, task, { ...met.given, imageId, truth: met.truth, at: now });
}

function store(draft: Draft, before: ImageState, after: ImageState): ExampleOutput[] {
  const key = imageKey(after.imageId);
  const empty = after.assigned.size === 0 && after.vectors.size === 0 && after.erasedAt === undefined;
  draft.put(key, empty ? null : encodeImage(after));
  countImage(draft, before, after);
  return exampleChanges(before, after).map((change) => ({
    extractor: change.extractor,
    task: change.task,
    imageId: after.imageId,
    example:
      change.winner === null ? null : toExample(draft, after, change.extractor, change.task, change.winner),
  }));
}

function toExample(
  draft: Draft,
  image: ImageState,
  extractor: string,
  task: string,
  { label: stated, assignedAt, annotator }: StatedLabel,
): Example {
  const vector = readVector(draft, image.imageId, extractor);
  if (vector === undefined) {
    throw new HeadwaterError('store-unavailable', 'a vector is missing in the local store', {
      context: { extractor },
    });
  }
  const group = image.vectors.get(extractor)?.group ?? null;
  const label = stated === null ? null : classOfLabel(stated);
  return { extractor, task, imageId: image.imageId, label, assignedAt, annotator, group, vector };
}

function statedLabels(record: VectorExtracted): Map<string, StatedLabel> {
  const stated = new Map<string, StatedLabel>();
  for (const [task, label] of Object.entries(record.labels)) {
    stated.set(task, { byPerson: false, assignedAt: record.receivedAt, annotator: record.source, label });
  }
  return stated;
}
