/**
 * The trainer's state transition over a draft of the partition's store: an example is learned, corrected or
 * forgotten. Returns exactly what the training set loses and gains.
 */
import { HeadwaterError } from '@headwater/errors';
import type { LabelledVector } from '@headwater/heads';
import type { Draft, StateReader } from '../../store/state.ts';
import { type TrainingSetSettings, type TrainingSetSettingsOf, tooMany } from '../training-set-settings.ts';
import {
  decodeExample,
  encodeExample,
  exampleKey,
  examplesPrefix,
  imageIndexKey,
  type StoredExample,
  setId,
  setKey,
  setsPrefix,
  timePosition,
} from './example-bytes.ts';
import { type ExampleWindow, isNothing, moveWindow } from './example-window.ts';

/** The content of a record of `examples`; null where the label was retracted or the image erased. */
export interface ExampleUpdate {
  readonly extractor: string;
  readonly task: string;
  readonly imageId: string;
  readonly example: (LabelledVector & { readonly assignedAt?: number }) | null;
}

/** What a training set loses and gains. */
export interface SetChange {
  readonly extractor: string;
  readonly task: string;
  readonly dimensions: number;
  readonly removed: LabelledVector | null;
  readonly added: ExampleUpdate['example'];
  /** Other examples that leave the window. */
  readonly expired?: readonly LabelledVector[];
  /** Other examples that enter the window again. */
  readonly returned?: readonly LabelledVector[];
}

/** The stored description of a training set. */
export interface StoredSet {
  readonly extractor: string;
  readonly task: string;
  readonly dimensions: number;
  /** All stored examples. */
  readonly examples: number;
  /** Stored examples that are in the training set. */
  readonly inside: number;
  /** Start of the window, a position among the times; empty: before everything. */
  readonly from: string;
  /** Left out where all examples are inside. */
  readonly window?: ExampleWindow | undefined;
}

/** Bound on the entries of a quantised unit vector. */
const largestEntry = 8192;

/**
 * Applies an update to the draft; undefined when the training set does not change. Errors (of this example
 * alone; nothing was changed): vector-wrong-dimensions, record-invalid (values out of range), limit-exceeded,
 * statistics-overflow.
 */
export function applyExample(
  draft: Draft,
  news: ExampleUpdate,
  rules: TrainingSetSettings = {},
): SetChange | undefined {
  const { extractor, task, imageId } = news;
  const added = news.example === null ? null : { assignedAt: 0, ...news.example };
  const id = setId(extractor, task);
  const index = imageIndexKey(id, imageId);
  const removed = storedExample(draft, index);
  const dimensions = (added ?? removed)?.vector.length;
  if (dimensions === undefined || sameExample(removed, added, rules)) return undefined;
  const known = storedSet(draft, id);
  const { window } = rules;
  const set = known ?? { extractor, task, dimensions, examples: 0, inside: 0, from: '', window };
  if (added !== null) checkVector(added.vector, set.dimensions);
  checkLimits(draft, { isNew: known === undefined, grows: added !== null && removed === null, set, rules });
  if (removed !== null) draft.put(exampleKey(id, removed), null);
  if (added !== null) draft.put(exampleKey(id, added), encodeExample(added));
  draft.put(index, added === null ? null : Buffer.from(exampleKey(id, added)));
  const examples = set.examples + Number(added !== null) - Number(removed !== null);
  if (window === undefined) {
    putSet(draft, id, { ...set, examples, inside: examples });
    return { extractor, task, dimensions: set.dimensions, removed, added };
  }
  const move = moveWindow(draft, { id, set, removed, added, window });
  putSet(draft, id, { ...set, examples, inside: move.inside, from: move.from });
  return isNothing(move) ? undefined : { extractor, task, dimensions: set.dimensions, ...move.change };
}

export function storedSets(reader: StateReader): StoredSet[] {
  return [...reader.range(setsPrefix)].map(({ value }) => JSON.parse(value.toString('utf8')) as StoredSet);
}

/**
 * Whether every set was stored under the present window of its task. Another window requires a replay: times
 * are stored up to date with a window only.
 */
export function hasWindows(reader: StateReader, rulesOf: TrainingSetSettingsOf): boolean {
  const asText = (window: ExampleWindow | undefined) => JSON.stringify(window ?? null);
  return storedSets(reader).every(({ task, window }) => asText(window) === asText(rulesOf(task).window));
}

/** Lazily, in the order in which a training set is refilled. */
export function* storedExamples(
  reader: StateReader,
  extractor: string,
  task: string,
): Iterable<LabelledVector> {
  const isInside = insideOf(reader, extractor, task);
  for (const { value } of reader.range(examplesPrefix(setId(extractor, task)))) {
    const example = decodeExample(value);
    if (isInside(example)) yield example;
  }
}

/** Returns a predicate for the stored examples that are in the training set now. */
export function insideOf(
  reader: StateReader,
  extractor: string,
  task: string,
): (example: StoredExample) => boolean {
  const from = storedSet(reader, setId(extractor, task))?.from ?? '';
  return (example) => from === '' || timePosition(example) >= from;
}

function storedExample(reader: StateReader, index: string): StoredExample | null {
  const key = reader.get(index);
  const bytes = key === undefined ? undefined : reader.get(key.toString('utf8'));
  return bytes === undefined ? null : decodeExample(bytes);
}

function storedSet(reader: StateReader, id: string): StoredSet | undefined {
  const bytes = reader.get(setKey(id));
  return bytes === undefined ? undefined : (JSON.parse(bytes.toString('utf8')) as StoredSet);
}

/** Deletes an empty set with its dimensions. */
function putSet(draft: Draft, id: string, set: StoredSet): void {
  draft.put(setKey(id), set.examples === 0 ? null : Buffer.from(JSON.stringify(set)));
}

function checkVector(vector: Int16Array, dimensions: number): void {
  if (vector.length !== dimensions) {
    throw new HeadwaterError(
      'vector-wrong-dimensions',
      'the vector of the example has other dimensions than its training set',
      {
        context: { dimensions, found: vector.length },
      },
    );
  }
  if (vector.some((entry) => Math.abs(entry) > largestEntry)) {
    throw new HeadwaterError('record-invalid', 'the vector of the example is not a quantised unit vector');
  }
}

/** Without a window, the time of a label does not matter. */
function sameExample(
  a: StoredExample | null,
  b: StoredExample | null,
  { window }: TrainingSetSettings,
): boolean {
  if (a === null || b === null) return a === b;
  if (window !== undefined && a.assignedAt !== b.assignedAt) return false;
  return a.label === b.label && a.group === b.group && Buffer.compare(bytesOf(a), bytesOf(b)) === 0;
}

function checkLimits(
  reader: StateReader,
  growth: {
    readonly isNew: boolean;
    readonly grows: boolean;
    readonly set: StoredSet;
    readonly rules: TrainingSetSettings;
  },
): void {
  const { isNew, grows, set, rules } = growth;
  const { maxSets = Number.POSITIVE_INFINITY, maxExamples = Number.POSITIVE_INFINITY } = rules;
  if (isNew && storedSets(reader).length >= maxSets) {
    throw new HeadwaterError(
      'limit-exceeded',
      `a partition of the trainer holds at most ${maxSets} training sets`,
    );
  }
  if (!grows || set.examples < maxExamples) return;
  throw tooMany(maxExamples);
}

function bytesOf({ vector }: LabelledVector): Uint8Array {
  return new Uint8Array(vector.buffer, vector.byteOffset, vector.byteLength);
}
