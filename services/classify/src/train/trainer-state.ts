/**
 * The trainer's state transition over a draft of the lane's store: an example is learned, corrected or forgotten.
 * It answers what goes out of the labelled set and what comes in, exactly.
 */
import { HeadwaterError } from '@headwater/errors';
import type { LabelledVector } from '@headwater/heads';
import type { Draft, StateReader } from '../store/state.ts';
import {
  decodeExample,
  encodeExample,
  exampleKey,
  examplesPrefix,
  imageIndexKey,
  setId,
  setKey,
  setsPrefix,
} from './example-bytes.ts';

/** What one record of `examples` says; null where the label was retracted or the image erased. */
export interface ExampleNews {
  readonly extractor: string;
  readonly task: string;
  readonly imageId: string;
  readonly example: LabelledVector | null;
}

/** What goes out of a labelled set, and what comes in. */
export interface SetChange {
  readonly extractor: string;
  readonly task: string;
  readonly dimensions: number;
  readonly removed: LabelledVector | null;
  readonly added: LabelledVector | null;
}

/** A labelled set as the store describes it. */
export interface StoredSet {
  readonly extractor: string;
  readonly task: string;
  readonly dimensions: number;
  readonly examples: number;
}

/** Entries of a quantised unit vector lie within ± this. */
const largestEntry = 8192;

/**
 * Puts the draft into the state that the news describe; undefined when they say nothing new.
 * Errors: vector-wrong-dimensions, record-invalid (values out of range); nothing was changed then.
 */
export function applyExample(draft: Draft, news: ExampleNews): SetChange | undefined {
  const { extractor, task, imageId, example: added } = news;
  const id = setId(extractor, task);
  const index = imageIndexKey(id, imageId);
  const removed = storedExample(draft, index);
  const dimensions = (added ?? removed)?.vector.length;
  if (dimensions === undefined || sameExample(removed, added)) return undefined;
  const set = storedSet(draft, id) ?? { extractor, task, dimensions, examples: 0 };
  if (added !== null) checkVector(added.vector, set.dimensions);
  if (removed !== null) draft.put(exampleKey(id, removed), null);
  if (added !== null) draft.put(exampleKey(id, added), encodeExample(added));
  draft.put(index, added === null ? null : Buffer.from(exampleKey(id, added)));
  putSet(draft, id, { ...set, examples: set.examples + Number(added !== null) - Number(removed !== null) });
  return { extractor, task, dimensions: set.dimensions, removed, added };
}

export function storedSets(reader: StateReader): StoredSet[] {
  return [...reader.range(setsPrefix)].map(({ value }) => JSON.parse(value.toString('utf8')) as StoredSet);
}

/** Lazily, in the order in which a labelled set wants to be refilled. */
export function* storedExamples(
  reader: StateReader,
  extractor: string,
  task: string,
): Iterable<LabelledVector> {
  for (const { value } of reader.range(examplesPrefix(setId(extractor, task)))) yield decodeExample(value);
}

function storedExample(reader: StateReader, index: string): LabelledVector | null {
  const key = reader.get(index);
  const bytes = key === undefined ? undefined : reader.get(key.toString('utf8'));
  return bytes === undefined ? null : decodeExample(bytes);
}

function storedSet(reader: StateReader, id: string): StoredSet | undefined {
  const bytes = reader.get(setKey(id));
  return bytes === undefined ? undefined : (JSON.parse(bytes.toString('utf8')) as StoredSet);
}

/** An empty set is forgotten, its dimensions too. */
function putSet(draft: Draft, id: string, set: StoredSet): void {
  draft.put(setKey(id), set.examples === 0 ? null : Buffer.from(JSON.stringify(set)));
}

function checkVector(vector: Int16Array, dimensions: number): void {
  if (vector.length !== dimensions) {
    throw new HeadwaterError(
      'vector-wrong-dimensions',
      'The example’s vector does not fit its labelled set',
      {
        context: { dimensions, found: vector.length },
      },
    );
  }
  if (vector.some((entry) => Math.abs(entry) > largestEntry)) {
    throw new HeadwaterError('record-invalid', 'The example’s vector is not a quantised unit vector');
  }
}

function sameExample(a: LabelledVector | null, b: LabelledVector | null): boolean {
  if (a === null || b === null) return a === b;
  return a.label === b.label && a.group === b.group && Buffer.compare(bytesOf(a), bytesOf(b)) === 0;
}

function bytesOf({ vector }: LabelledVector): Uint8Array {
  return new Uint8Array(vector.buffer, vector.byteOffset, vector.byteLength);
}
