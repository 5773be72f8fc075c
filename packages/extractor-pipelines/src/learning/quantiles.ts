/**
 * Quantiles of a stream in bounded memory, as a function of the set and not of its order. Each column counts its values
 * exactly, by the float32 itself while there are few different ones. When there are more than a limit, the last bit of all of
 * them is dropped, and so on. A bit is dropped only when the values hold too many different prefixes of its length, and more
 * values never hold fewer: so the remaining bits, and with them the counts, are a function of the set.
 *
 * With p bits left, ranks are exact and a value is known to 2^(9 − p) of itself: 2,048 places hold numbers that span six powers
 * of ten, of both signs, to about 1.6 %. Memory: 12 bytes per place and 1 KiB for waiting values, at most 26 KiB per column.
 */
import { z } from 'zod';
import { packedFloat64, packedUint32, packNumbers } from './packed-numbers.ts';

/** Maximum number of different values, or prefixes of values, per column. */
export const placesLimit = 2048;
const waitingLimit = 256;
const signBit = 0x80000000;

const float = new Float32Array(1);
const bits = new Uint32Array(float.buffer);

/** The saved form of a column. */
const savedHistogram = z
  .strictObject({
    keys: packedUint32,
    counts: packedFloat64,
    forgotten: z.int().min(0).max(31),
    smallest: z.int().min(0).max(0xffffffff),
    largest: z.int().min(0).max(0xffffffff),
  })
  .refine(({ keys, counts }) => keys.length === counts.length, 'must have a count for each key')
  .refine(({ keys }) => keys.every((key, i) => i === 0 || key > (keys[i - 1] ?? 0)), 'must ascend');

export class ColumnQuantiles {
  static readonly saved = z.array(savedHistogram).transform((histograms) => {
    const restored = new ColumnQuantiles(histograms.length);
    histograms.forEach((saved, column) => {
      restored.#histograms[column]?.restore(saved);
    });
    return restored;
  });
  readonly columns: number;
  readonly #histograms: Histogram[];

  constructor(columns: number) {
    this.columns = columns;
    this.#histograms = Array.from({ length: columns }, () => new Histogram());
  }

  save() {
    return this.#histograms.map((histogram) => histogram.save());
  }

  /** Entries are finite, or NaN where missing. */
  add(vector: Float32Array): void {
    for (let column = 0; column < this.columns; column++) {
      const value = vector[column] ?? Number.NaN;
      if (!Number.isNaN(value)) this.#histograms[column]?.add(value);
    }
  }

  merge(other: ColumnQuantiles): void {
    this.#histograms.forEach((histogram, column) => {
      const theirs = other.#histograms[column];
      if (theirs) histogram.merge(theirs);
    });
  }

  /** Number of entries that are not missing. */
  count(column: number): number {
    return this.#histograms[column]?.count ?? 0;
  }

  /** Smallest and largest value. */
  range(column: number): readonly [number, number] {
    return this.#histograms[column]?.range ?? [Number.NaN, Number.NaN];
  }

  /**
   * The quantile at part / of (0 ≤ part ≤ of): linear interpolation between the values at the two ranks around (n − 1) · part /
   * of, the default of NumPy (type 7 of Hyndman, Fan: Sample Quantiles, 1996). NaN without values.
   */
  quantile(column: number, part: number, of: number): number {
    const histogram = this.#histograms[column];
    if (histogram === undefined || histogram.count === 0) return Number.NaN;
    const place = (histogram.count - 1) * part;
    const low = histogram.valueAt(Math.floor(place / of));
    if (place % of === 0) return low;
    const high = histogram.valueAt(Math.floor(place / of) + 1);
    return low + (high - low) * ((place % of) / of);
  }
}

/** Counts of one column's values, in ascending order. */
class Histogram {
  /** Prefixes of ordered bits: the upper 32 − `forgotten` bits. */
  #keys = new Uint32Array(0);
  #counts = new Float64Array(0);
  #forgotten = 0;
  #waiting: Uint32Array | null = null;
  #waits = 0;
  #total = 0;
  #smallest = 0xffffffff;
  #largest = 0;

  restore({ keys, counts, forgotten, smallest, largest }: z.output<typeof savedHistogram>): void {
    this.#keys = new Uint32Array(keys);
    this.#counts = new Float64Array(counts);
    this.#forgotten = forgotten;
    this.#total = counts.reduce((sum, count) => sum + count, 0);
    this.#smallest = smallest;
    this.#largest = largest;
  }

  save() {
    this.#settle();
    return {
      keys: packNumbers(this.#keys),
      counts: packNumbers(this.#counts),
      forgotten: this.#forgotten,
      smallest: this.#smallest,
      largest: this.#largest,
    };
  }

  get count(): number {
    return this.#total;
  }

  get range(): readonly [number, number] {
    return this.#total === 0 ? [Number.NaN, Number.NaN] : [floatOf(this.#smallest), floatOf(this.#largest)];
  }

  add(value: number): void {
    const key = keyOf(value);
    this.#waiting ??= new Uint32Array(waitingLimit);
    this.#waiting[this.#waits++] = key;
    this.#total++;
    this.#smallest = Math.min(this.#smallest, key);
    this.#largest = Math.max(this.#largest, key);
    if (this.#waits === waitingLimit) this.#settle();
  }

  merge(other: Histogram): void {
    this.#settle();
    other.#settle();
    this.#forget(other.#forgotten);
    const shift = this.#forgotten - other.#forgotten;
    this.#take(
      other.#keys.map((key) => key >>> shift),
      other.#counts,
    );
    this.#total += other.#total;
    this.#smallest = Math.min(this.#smallest, other.#smallest);
    this.#largest = Math.max(this.#largest, other.#largest);
  }

  /** The value at a rank from 0; the middle of those that share its prefix. */
  valueAt(rank: number): number {
    this.#settle();
    let seen = 0;
    for (let i = 0; i < this.#keys.length; i++) {
      seen += this.#counts[i] ?? 0;
      if (seen > rank) return this.#middle(this.#keys[i] ?? 0);
    }
    return floatOf(this.#largest);
  }

  #middle(key: number): number {
    const span = 2 ** this.#forgotten;
    const low = floatOf(Math.max(key * span, this.#smallest));
    const high = floatOf(Math.min(key * span + (span - 1), this.#largest));
    return low === high ? low : low / 2 + high / 2;
  }

  #settle(): void {
    if (this.#waiting === null || this.#waits === 0) return;
    const keys = this.#waiting.subarray(0, this.#waits).map((key) => key >>> this.#forgotten);
    keys.sort();
    this.#waits = 0;
    this.#take(keys, null);
  }

  /** Adds keys in ascending order with the precision of this histogram; null counts are ones. */
  #take(keys: Uint32Array, counts: Float64Array | null): void {
    const merged = mergeCounts(this.#keys, this.#counts, keys, counts);
    this.#keys = merged.keys;
    this.#counts = merged.counts;
    while (this.#keys.length > placesLimit) this.#forget(this.#forgotten + 1);
  }

  /** Keeps 32 − forgotten bits, or fewer if fewer are left already. */
  #forget(forgotten: number): void {
    if (forgotten <= this.#forgotten) return;
    const shift = forgotten - this.#forgotten;
    this.#forgotten = forgotten;
    const shorter = this.#keys.map((key) => key >>> shift);
    const merged = mergeCounts(shorter, this.#counts, new Uint32Array(0), null);
    this.#keys = merged.keys;
    this.#counts = merged.counts;
  }
}

/** Merges two ascending lists, in which a key may occur twice, into one without duplicates. */
function mergeCounts(
  keysA: Uint32Array,
  countsA: Float64Array,
  keysB: Uint32Array,
  countsB: Float64Array | null,
): { keys: Uint32Array<ArrayBuffer>; counts: Float64Array<ArrayBuffer> } {
  const keys = new Uint32Array(keysA.length + keysB.length);
  const counts = new Float64Array(keys.length);
  let length = 0;
  for (let a = 0, b = 0; a < keysA.length || b < keysB.length; ) {
    const fromA = b === keysB.length || (a < keysA.length && (keysA[a] ?? 0) <= (keysB[b] ?? 0));
    const key = fromA ? keysA[a] : keysB[b];
    const count = fromA ? countsA[a] : (countsB?.[b] ?? 1);
    if (fromA) a++;
    else b++;
    if (length === 0 || keys[length - 1] !== key) keys[length++] = key ?? 0;
    counts[length - 1] = (counts[length - 1] ?? 0) + (count ?? 0);
  }
  return { keys: keys.slice(0, length), counts: counts.slice(0, length) };
}

/** Unsigned integers in the order of the floats; both zeros have the same key. */
function keyOf(value: number): number {
  float[0] = value === 0 ? 0 : value;
  const word = bits[0] ?? 0;
  return (word >= signBit ? ~word : word | signBit) >>> 0;
}

function floatOf(key: number): number {
  bits[0] = key >= signBit ? key - signBit : ~key >>> 0;
  return float[0] ?? 0;
}
