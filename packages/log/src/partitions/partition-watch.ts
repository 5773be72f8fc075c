/**
 * Notices that a topic has other partitions than when it was opened. Kafka moves keys when partitions are added: records would go to
 * partitions that no member reads, and state that is kept by partition would be split. Every reader of this process shares one watch.
 */
import { HeadwaterError } from '@headwater/errors';

export const defaultCheckMs = 15_000;

/** `undefined` where the topic is not known at the moment. */
type CountPartitions = (topic: string) => Promise<number | undefined>;

interface Watched {
  /** By topic, as found when it was opened. */
  readonly counts: ReadonlyMap<string, number>;
  changed(error: HeadwaterError): void;
  /** Of the former look; brokers learn of new partitions one after the other, so that one look proves nothing. */
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

  /** Calls `changed` once, with `topic-mismatch`, after two looks that agree. Returns an unsubscribe function. */
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
    this.#timer = setTimeout(() => void this.#look(), this.#everyMs).unref();
  }

  async #look(): Promise<void> {
    const topics = new Set([...this.#watched].flatMap(({ counts }) => [...counts.keys()]));
    const found = new Map<string, number>();
    for (const topic of topics) {
      // A cluster that does not answer is for readers and writers to report.
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

/** What an operator does about partitions that do not fit. */
export function repartitionRemedy(partitions: number | 'COUNT' = 'COUNT'): string {
  return `stop all services, run headwater topics repartition --partitions ${partitions}, and start them again`;
}

export function partitionsChanged(topic: string, before: number, now: number): HeadwaterError {
  const message =
    `topic ${topic} has ${now} partitions, and had ${before} when this process opened it: keys belong to other partitions now; ` +
    repartitionRemedy(now);
  return new HeadwaterError('topic-mismatch', message, { context: { topic, before, now } });
}
