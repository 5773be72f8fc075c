/** A set of offsets of one partition, as ranges: resolved offsets are mostly adjacent, and are stored in a header. */

type Range = readonly [from: bigint, to: bigint];

export class OffsetSet {
  #ranges: Range[] = [];
  #isSorted = true;

  get isEmpty(): boolean {
    return this.#ranges.length === 0;
  }

  /** Both inclusive. */
  add(from: bigint, to: bigint = from): void {
    this.#ranges.push([from, to]);
    this.#isSorted = false;
  }

  has(offset: bigint): boolean {
    const ranges = this.#sorted();
    let [low, high] = [0, ranges.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((ranges[middle]?.[1] ?? offset) < offset) low = middle + 1;
      else high = middle;
    }
    return (ranges[low]?.[0] ?? offset + 1n) <= offset;
  }

  /** Such as `0-41,43`. */
  toString(): string {
    return this.#sorted()
      .map(([from, to]) => (from === to ? `${from}` : `${from}-${to}`))
      .join(',');
  }

  /** Adds the output of `toString`; undefined for any other text. */
  addText(text: string): this | undefined {
    if (!/^\d{1,19}(-\d{1,19})?(,\d{1,19}(-\d{1,19})?)*$/.test(text)) return undefined;
    for (const part of text.split(',')) {
      const [from = '', to = from] = part.split('-');
      this.add(BigInt(from), BigInt(to));
    }
    return this;
  }

  #sorted(): readonly Range[] {
    if (this.#isSorted) return this.#ranges;
    const merged: Range[] = [];
    for (const range of this.#ranges.sort((a, b) => (a[0] < b[0] ? -1 : Number(a[0] > b[0])))) {
      const last = merged.at(-1);
      if (last !== undefined && range[0] <= last[1] + 1n) {
        merged[merged.length - 1] = [last[0], range[1] > last[1] ? range[1] : last[1]];
      } else merged.push(range);
    }
    this.#ranges = merged;
    this.#isSorted = true;
    return merged;
  }
}
