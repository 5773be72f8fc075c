/**
 * The sample for leave-one-out: the examples with the smallest keys, after any history (bottom-k sampling). A reserve beyond it
 * allows removals without a refill by the owner each time.
 */
import { HeadwaterError } from '@headwater/errors';
import type { LabelledVector } from '../api.ts';
import { sampleKey } from './sample-key.ts';

/** Maximum number of examples in a sample. */
export const sampleLimit = 2000;
/** One more, which shows whether the last group of the sample continues after it. */
export const minimumKept = sampleLimit + 1;
/** Maximum number of examples in memory. */
const sampleCapacity = 2 * sampleLimit;

interface Entry {
  readonly key: string;
  readonly example: LabelledVector;
}

export class BottomKSample {
  #entries: Entry[] = [];
  /** Every example whose key is at most this one is in the reserve; null: every example of the set. */
  #bound: string | null = null;

  /** Whether the reserve holds a complete sample of a set with this many examples. */
  isComplete(examples: number): boolean {
    return this.#entries.length >= Math.min(minimumKept, examples);
  }

  /** Throws statistics-mismatch where an example of this image is known to be in the set. */
  checkAbsent(example: LabelledVector): void {
    const key = hexKey(example);
    if (this.#covers(key) && this.#entries[this.#find(key)]?.key === key) fail('already holds this image');
  }

  /** Throws statistics-mismatch where the set provably does not hold this example. */
  checkPresent(example: LabelledVector): void {
    const key = hexKey(example);
    if (!this.#covers(key)) return;
    const entry = this.#entries[this.#find(key)];
    if (entry?.key !== key || !isSame(entry.example, example)) fail('does not hold this example');
  }

  add(example: LabelledVector): void {
    const key = hexKey(example);
    if (!this.#covers(key)) return;
    const copy = { ...example, vector: example.vector.slice() };
    this.#entries.splice(this.#find(key), 0, { key, example: copy });
    this.#shrink();
  }

  remove(example: LabelledVector, examplesLeft: number): void {
    const key = hexKey(example);
    if (this.#covers(key)) this.#entries.splice(this.#find(key), 1);
    if (this.#entries.length === examplesLeft) this.#bound = null;
  }

  /** Throws statistics-mismatch where both hold an example of one image. */
  checkDisjoint(other: BottomKSample): void {
    for (const { example } of other.#entries) this.checkAbsent(example);
  }

  /** Merges the reserve of a set without common examples. */
  merge(other: BottomKSample): void {
    const bound = smaller(this.#bound, other.#bound);
    const entries = [...this.#entries, ...other.#entries].sort((a, b) => (a.key < b.key ? -1 : 1));
    this.#entries = bound === null ? entries : entries.filter((entry) => entry.key <= bound);
    this.#bound = bound;
    this.#shrink();
  }

  /** Rebuilds the reserve from examples in the order of their keys; reads at most `sampleCapacity`. */
  refill(examplesByKey: Iterable<LabelledVector>, examples: number): void {
    const entries: Entry[] = [];
    const wanted = Math.min(sampleCapacity, examples);
    for (const example of examplesByKey) {
      const key = hexKey(example);
      if (key <= (entries.at(-1)?.key ?? '')) fail('must be refilled in the order of sample keys');
      entries.push({ key, example: { ...example, vector: example.vector.slice() } });
      if (entries.length === wanted) break;
    }
    if (entries.length < wanted) fail(`holds ${examples} examples but was refilled with fewer`);
    this.restore(entries, examples);
  }

  /** Restores the examples with the smallest keys, in their order, of a set of this many. */
  restore(entries: Entry[], examples: number): void {
    this.#entries = entries;
    this.#bound = entries.length === examples ? null : (entries.at(-1)?.key ?? '');
  }

  /** The first examples in the order of keys; fewer where the reserve has no more. */
  first(count: number): LabelledVector[] {
    return this.#entries.slice(0, count).map((entry) => entry.example);
  }

  #covers(key: string): boolean {
    return this.#bound === null || key <= this.#bound;
  }

  #shrink(): void {
    if (this.#entries.length <= sampleCapacity) return;
    this.#entries.length = sampleCapacity;
    this.#bound = this.#entries.at(-1)?.key ?? '';
  }

  /** Index of the first entry whose key is not smaller. */
  #find(key: string): number {
    let low = 0;
    let high = this.#entries.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#entries[middle]?.key ?? '') < key) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/**
 * At most `limit` of the examples, which are given in the order of their sample keys, with at least one more than `limit` where
 * there are more. A group that would be split at the end is left out, so that a fold which leaves a group out leaves all of it
 * out. Only a single group that is larger than the limit is split.
 */
export function truncateSample(examples: LabelledVector[], limit: number): LabelledVector[] {
  const next = examples[limit];
  if (next === undefined) return examples;
  let end = limit;
  while (next.group !== null && end > 0 && examples[end - 1]?.group === next.group) end--;
  return examples.slice(0, end === 0 ? limit : end);
}

/** Hexadecimal digits have the same order as the bytes. */
export function hexKey(example: LabelledVector): string {
  return Buffer.from(sampleKey(example)).toString('hex');
}

function smaller(a: string | null, b: string | null): string | null {
  if (a === null || b === null) return a ?? b;
  return a < b ? a : b;
}

function isSame(a: LabelledVector, b: LabelledVector): boolean {
  if (a.imageId !== b.imageId || a.label !== b.label || a.group !== b.group) return false;
  return a.vector.length === b.vector.length && a.vector.every((value, i) => value === b.vector[i]);
}

function fail(what: string): never {
  throw new HeadwaterError('statistics-mismatch', `training set ${what}`);
}
