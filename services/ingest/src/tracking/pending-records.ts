/**
 * The newest records that the next service has not processed yet, read from the end of a partition on demand. They tell
 * of images that no other process knows so far, whichever replica accepted them.
 */
import { type Log, type LogRecord, partitionFor } from '@headwater/log';

export interface PendingTopic {
  readonly topic: string;
  /** The groups that process the topic. */
  readonly groups: readonly string[];
}

interface Snapshot {
  readonly takenAt: number;
  readonly records: Promise<ReadonlyMap<string, LogRecord>>;
}

/** Records of a partition that are read at most; images may be large, so few are kept, and for a short time. */
const mostRecords = 200;
const maxAgeMs = 250;

export class PendingRecords {
  readonly #log: Pick<Log, 'admin' | 'read'>;
  readonly #topics: readonly PendingTopic[];
  readonly #partitions: number;
  /** One for each partition at most; a snapshot that is too old is dropped with the next question. */
  readonly #snapshots = new Map<string, Snapshot>();

  constructor(log: Pick<Log, 'admin' | 'read'>, topics: readonly PendingTopic[], partitions: number) {
    this.#log = log;
    this.#topics = topics;
    this.#partitions = partitions;
  }

  /** The newest pending record of the image, of the first topic that has one. Errors: log-unavailable. */
  async find(id: string): Promise<LogRecord | undefined> {
    const partition = partitionFor(id, this.#partitions);
    for (const { topic, groups } of this.#topics) {
      const record = (await this.#snapshot(topic, groups, partition)).get(id);
      if (record !== undefined) return record;
    }
    return undefined;
  }

  #snapshot(topic: string, groups: readonly string[], partition: number) {
    const now = performance.now();
    for (const [name, { takenAt }] of this.#snapshots)
      if (now - takenAt > maxAgeMs) this.#snapshots.delete(name);
    const name = `${topic}/${partition}`;
    const known = this.#snapshots.get(name);
    if (known !== undefined) return known.records;
    const records = this.#read(topic, groups, partition);
    records.catch(() => this.#snapshots.delete(name));
    this.#snapshots.set(name, { takenAt: now, records });
    return records;
  }

  async #read(topic: string, groups: readonly string[], partition: number) {
    const { admin } = this.#log;
    const newest = new Map<string, LogRecord>();
    // The topic of vectors is created by extract.
    if ((await admin.partitions(topic)) === undefined) return newest;
    const committed = await Promise.all(groups.map((group) => admin.committed(group, topic)));
    const { low, high } = (await admin.offsets(topic))[partition] ?? { low: 0n, high: 0n };
    const processed = committed.map((offsets) => offsets[partition] ?? low);
    const pending = processed.reduce((least, offset) => (offset < least ? offset : least), high);
    const from = [low, pending, high - BigInt(mostRecords)].reduce((a, b) => (a > b ? a : b));
    if (from >= high) return newest;
    for await (const records of this.#log.read({ topic, partition, from, to: high })) {
      for (const record of records) if (record.key !== null) newest.set(record.key.toString(), record);
    }
    return newest;
  }
}
