/** A partition's state in a map, for tests of transitions that need no disk. */
import { Draft, isWithin, type RangeOptions, type StateEntry, type StateReader } from '../store/state.ts';

export class InMemoryState implements StateReader {
  readonly entries = new Map<string, Buffer>();

  get(key: string): Buffer | undefined {
    return this.entries.get(key);
  }

  *range(prefix: string, options: RangeOptions = {}): Iterable<StateEntry> {
    const keys = [...this.entries.keys()].filter((key) => isWithin(key, prefix, options));
    const sorted = keys.sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
    if (options.descending === true) sorted.reverse();
    for (const key of sorted) yield { key, value: this.entries.get(key) ?? Buffer.alloc(0) };
  }

  /** Runs a transition, and keeps its changes. */
  commit<T>(transition: (draft: Draft) => T): T {
    const draft = new Draft(this);
    const result = transition(draft);
    for (const [key, value] of draft.changes) {
      if (value === null) this.entries.delete(key);
      else this.entries.set(key, value);
    }
    return result;
  }
}
