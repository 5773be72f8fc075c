/**
 * The committed offsets of the groups at the start of the audit. All records before them have their outputs
 * in the same committed transactions; later ones may still be in progress.
 */
import type { Log, Names } from '@headwater/log';

export interface SnapshotClients {
  readonly log: Pick<Log, 'admin'>;
  readonly names: Names;
}

/** Committed offset by partition; undefined without one. */
type Offsets = readonly (bigint | undefined)[];

export class CommittedSnapshot {
  readonly #images: ReadonlyMap<string, Offsets>;
  readonly #joined: ReadonlyMap<string, Offsets>;

  /** Errors: topic-missing, log-unavailable. */
  static async read(
    { log, names }: SnapshotClients,
    extractors: readonly string[],
  ): Promise<CommittedSnapshot> {
    const { topics, groups } = names;
    const images = new Map<string, Offsets>();
    const joined = new Map<string, Offsets>();
    for (const extractor of extractors) {
      images.set(extractor, await log.admin.committed(groups.extract(extractor), topics.images));
    }
    for (const topic of [topics.labels, ...extractors.map((one) => topics.vectors(one))]) {
      joined.set(topic, await log.admin.committed(groups.join, topic));
    }
    return new CommittedSnapshot(images, joined);
  }

  private constructor(images: ReadonlyMap<string, Offsets>, joined: ReadonlyMap<string, Offsets>) {
    this.#images = images;
    this.#joined = joined;
  }

  /**
   * Partitions with records but without a committed offset, as `topic-partition (group)`: they are not
   * judged.
   */
  async uncommitted({ log, names }: SnapshotClients): Promise<string[]> {
    const found: string[] = [];
    const note = async (group: string, topic: string, offsets: Offsets) => {
      const ranges = await log.admin.offsets(topic);
      for (const [partition, { low, high }] of ranges.entries()) {
        if (low < high && offsets[partition] === undefined) found.push(`${topic}-${partition} (${group})`);
      }
    };
    for (const [extractor, offsets] of this.#images) {
      await note(names.groups.extract(extractor), names.topics.images, offsets);
    }
    for (const [topic, offsets] of this.#joined) await note(names.groups.join, topic, offsets);
    return found;
  }

  /** Of `images`, exclusive, for one extractor; 0 without a committed offset. */
  extracted(extractor: string, partition: number): bigint {
    return this.#images.get(extractor)?.[partition] ?? 0n;
  }

  /** Of `images`, exclusive: the largest offset of all extractors. */
  anyExtracted(partition: number): bigint {
    const ends = [...this.#images.keys()].map((extractor) => this.extracted(extractor, partition));
    return ends.reduce((most, end) => (end > most ? end : most), 0n);
  }

  /** Whether the join has a committed offset for this partition. */
  isJoined(topic: string, partition: number): boolean {
    return this.#joined.get(topic)?.[partition] !== undefined;
  }

  /** Of `labels` or a topic of vectors, exclusive; 0 without a committed offset. */
  joined(topic: string, partition: number): bigint {
    return this.#joined.get(topic)?.[partition] ?? 0n;
  }
}
