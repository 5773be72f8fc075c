/** Partitions that cannot be written now, over all producers of a process; the source of `Log.blocked`. */
import type { WriteBlock } from '../../api.ts';
import type { TopicPartition } from '../options.ts';

interface Failure {
  readonly since: number;
  readonly reason: string;
}

export class WriteState {
  readonly #changed: (isWritable: boolean) => void;
  readonly #failing = new Map<string, Failure>();

  constructor(changed: (isWritable: boolean) => void = () => undefined) {
    this.#changed = changed;
  }

  failed({ topic, partition }: TopicPartition, reason: string): void {
    const name = `${topic}-${partition}`;
    const since = this.#failing.get(name)?.since ?? Date.now();
    this.#failing.set(name, { since, reason: `${reason} on ${name}` });
    if (this.#failing.size === 1) this.#changed(false);
  }

  succeeded({ topic, partition }: TopicPartition): void {
    if (!this.#failing.delete(`${topic}-${partition}`)) return;
    if (this.#failing.size === 0) this.#changed(true);
  }

  /** The longest current failure. */
  blocked(): WriteBlock | undefined {
    let longest: Failure | undefined;
    for (const failure of this.#failing.values()) {
      if (longest === undefined || failure.since < longest.since) longest = failure;
    }
    return longest;
  }
}
