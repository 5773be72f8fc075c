/**
 * Detects a change in a topic's partition count. Kafka moves keys when partitions are added: records would go to
 * partitions that no member reads, and state by partition would be split. All readers of a process share one watch.
 */
import { HeadwaterError } from '@headwater/errors';

const defaultCheckMs = 15_000;

/** Returns undefined while the topic is unknown. */
type CountPartitions = (topic: string) => Promise<number | undefined>;

interface Watched {
  /** Counts by topic at the time of opening. */
  readonly counts: ReadonlyMap<string, number>;
  changed(error: HeadwaterError): void;
  /** Finding of the former check. Brokers learn of new partitions at different times, so two checks must agree. */
  suspected: string | undefined;
}

export class PartitionWatch {
  readonly #count: CountPartitions;
  readonly #everyMs: number;
  readonly #watched = new Set<Watched>();
  #timer: NodeJS.Timeout | undefined;

  constructor(count: CountPartitions, everyMs = defaultCheckMs) {
    this.#count = count;
    this.#everyMs = everyMs;
  }

  /** Calls `changed` once, with `topic-mismatch`, after two checks that agree. Returns an unsubscribe function. */
  watch(counts: ReadonlyMap<string, number>, changed: (error: HeadwaterError) => void): () => void {
    const watched: Watched = { counts, changed, suspected: undefined };
    this.#watched.add(watched);
    this.#schedule();
    return () => this.#remove(watched);
  }

  close(): void {
    this.#watched.clear();
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #remove(watched: Watched): void {
    this.#watched.delete(watched);
    if (this.#watched.size === 0) this.close();
  }

  #schedule(): void {
    if (this.#timer !== undefined || this.#watched.size === 0) return;
    this.#timer = setTimeout(() => void this.#check(), this.#everyMs).unref();
  }

  async #check(): Promise<void> {
    const topics = new Set([...this.#watched].flatMap(({ counts }) => [...counts.keys()]));
    const found = new Map<string, number>();
    for (const topic of topics) {
      // Readers and writers report a cluster that does not respond.
      const count = await this.#count(topic).catch(() => undefined);
      if (count !== undefined) found.set(topic, count);
    }
    for (const watched of [...this.#watched]) this.#compare(watched, found);
    this.#timer = undefined;
    this.#schedule();
  }

  #compare(watched: Watched, found: ReadonlyMap<string, number>): void {
    const change = [...watched.counts].find(([topic, count]) => (found.get(topic) ?? count) !== count);
    if (change === undefined) {
      watched.suspected = undefined;
      return;
    }
    const [topic, before] = change;
    const now = found.get(topic) ?? before;
    const suspected = `${topic} ${now}`;
    if (watched.suspected !== suspected) {
      watched.suspected = suspected;
      return;
    }
    this.#remove(watched);
    watched.changed(partitionsChanged(topic, before, now));
  }
}

/** The remedy for unequal or changed partition counts. */
export function repartitionRemedy(partitions: number | 'COUNT' = 'COUNT'): string {
  return `stop all services, run headwater topics repartition --partitions ${partitions}, and start them again`;
}

export function partitionsChanged(topic: string, before: number, now: number): HeadwaterError {
  const message =
    `topic ${topic} has ${now} partitions, and had ${before} when this process opened it: keys now map to other partitions; ` +
    repartitionRemedy(now);
  return new HeadwaterError('topic-mismatch', message, { context: { topic, before, now } });
}
