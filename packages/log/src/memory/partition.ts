/**
 * One partition in memory: records in offset order, with compaction and deletion, so that readers see the same gaps
 * as on Kafka.
 */
import { HeadwaterError } from '@headwater/errors';
import type { LogRecord, OffsetRange } from '../api.ts';
import { sizeOf } from '../records/record-size.ts';

interface RetentionLimits {
  /** Keep only the newest record of each key. */
  readonly compact: boolean;
  /** Largest number of records; older ones are deleted. Infinity keeps all. */
  readonly bytes: number;
  /** Records older than this many milliseconds are deleted. */
  readonly ms: number;
}

/** Limits of one read. */
const chunkLimits = { records: 500, bytes: 1024 * 1024 };
/** Smallest number of appended records between two cleanings of a compacted partition. */
const cleanAfter = 1024;

export class MemoryPartition {
  readonly #retention: RetentionLimits;
  readonly #listeners = new Set<() => void>();
  #records: LogRecord[] = [];
  #low = 0n;
  #high = 0n;
  #bytes = 0;
  #dirty = 0;

  constructor(retention: RetentionLimits) {
    this.#retention = retention;
  }

  get range(): OffsetRange {
    return { low: this.#low, high: this.#high };
  }

  append(record: Omit<LogRecord, 'offset'>): void {
    const stored = { ...record, offset: this.#high };
    this.#records.push(stored);
    this.#high += 1n;
    this.#bytes += sizeOf(stored);
    this.#dirty += 1;
    this.#retain();
    for (const listener of this.#listeners) listener();
  }

  /** Records from an offset, at most one chunk. Errors: log-offset-out-of-range. */
  read(from: bigint, to: bigint = this.#high): { records: readonly LogRecord[]; next: bigint } {
    if (from < this.#low || from > this.#high) {
      const message = `offset ${from} is not in the log, which holds ${this.#low} to ${this.#high}`;
      throw new HeadwaterError('log-offset-out-of-range', message);
    }
    const start = this.#indexOf(from);
    let end = start;
    let bytes = 0;
    for (; end < this.#records.length && end - start < chunkLimits.records; end += 1) {
      const record = this.#records[end];
      if (record === undefined || record.offset >= to || bytes > chunkLimits.bytes) break;
      bytes += sizeOf(record);
    }
    const records = this.#records.slice(start, end);
    const following = this.#records[end];
    const isLast = following === undefined || following.offset >= to;
    const last = records.at(-1);
    const end_ = to < this.#high ? to : this.#high;
    return { records, next: isLast || last === undefined ? end_ : last.offset + 1n };
  }

  deleteBefore(offset: bigint): void {
    if (offset <= this.#low) return;
    this.#low = offset < this.#high ? offset : this.#high;
    this.#replace(this.#records.slice(this.#indexOf(this.#low)));
  }

  /** Calls the listener after each append. Returns an unsubscribe function. */
  listen(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Index of the first record at or after an offset; records are sorted, with gaps. */
  #indexOf(offset: bigint): number {
    let low = 0;
    let high = this.#records.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#records[middle]?.offset ?? offset) < offset) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #retain(): void {
    if (this.#dirty < cleanAfter || this.#dirty * 2 < this.#records.length) return;
    this.#dirty = 0;
    if (this.#retention.compact) this.#compact();
    else this.#expire();
  }

  #compact(): void {
    const newest = new Map<string, bigint>();
    for (const { key, offset } of this.#records) newest.set(key?.toString('latin1') ?? '', offset);
    this.#replace(
      this.#records.filter(({ key, offset }) => newest.get(key?.toString('latin1') ?? '') === offset),
    );
  }

  #expire(): void {
    const since = Date.now() - this.#retention.ms;
    let excess = this.#bytes - this.#retention.bytes;
    let drop = 0;
    for (const record of this.#records) {
      if (excess <= 0 && record.timestamp >= since) break;
      excess -= sizeOf(record);
      drop += 1;
    }
    if (drop === 0) return;
    this.#replace(this.#records.slice(drop));
    this.#low = this.#records[0]?.offset ?? this.#high;
  }

  #replace(records: LogRecord[]): void {
    this.#records = records;
    this.#bytes = records.reduce((sum, record) => sum + sizeOf(record), 0);
  }
}
