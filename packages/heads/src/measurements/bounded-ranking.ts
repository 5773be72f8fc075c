/** Keeps the first few of many entries in bounded memory: a binary heap whose root is the next entry to drop. */
export class BoundedRanking<T> {
  readonly #limit: number;
  readonly #compare: (a: T, b: T) => number;
  /** Each entry ranks behind (or level with) its two children, so that the last in rank is at the root. */
  readonly #heap: T[] = [];

  /**
   * `compare` orders as for `sort`, first in rank first. It must be a total order for the result to be independent of the order
   * of arrival.
   */
  constructor(limit: number, compare: (a: T, b: T) => number) {
    this.#limit = limit;
    this.#compare = compare;
  }

  /** O(log limit); O(1) for an entry that does not rank among the first. */
  add(entry: T): void {
    const heap = this.#heap;
    const last = heap[0];
    if (heap.length < this.#limit) {
      heap.push(entry);
      this.#rise(heap.length - 1);
    } else if (last !== undefined && this.#compare(entry, last) < 0) {
      heap[0] = entry;
      this.#sink();
    }
  }

  /** In order of rank. */
  list(): T[] {
    return [...this.#heap].sort(this.#compare);
  }

  #rise(from: number): void {
    for (let child = from; child > 0; ) {
      const parent = (child - 1) >> 1;
      if (!this.#isBehind(child, parent)) return;
      this.#swap(child, parent);
      child = parent;
    }
  }

  #sink(): void {
    for (let parent = 0; ; ) {
      let next = parent;
      for (const child of [2 * parent + 1, 2 * parent + 2]) if (this.#isBehind(child, next)) next = child;
      if (next === parent) return;
      this.#swap(parent, next);
      parent = next;
    }
  }

  #isBehind(a: number, b: number): boolean {
    const [left, right] = [this.#heap[a], this.#heap[b]];
    return left !== undefined && right !== undefined && this.#compare(left, right) > 0;
  }

  #swap(a: number, b: number): void {
    const [left, right] = [this.#heap[a], this.#heap[b]];
    if (left === undefined || right === undefined) return;
    this.#heap[a] = right;
    this.#heap[b] = left;
  }
}
