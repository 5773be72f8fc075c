/**
 * Fetched records of a partition that are not yet processed. Bounds on records and bytes decide when fetching
 * pauses and resumes. A batch is cut when it is full or has waited long enough. Each batch is a transaction with
 * a fixed cost, so under load the partition rests between two batches.
 */
import type { LogRecord } from '../api.ts';
import { sizeOf } from '../records/record-size.ts';
import type { FetchedChunk } from './membership.ts';

export interface BatchLimits {
  readonly maxRecords: number;
  readonly maxBytes: number;
  readonly lingerMs: number;
  readonly restMs: number;
}

interface Queued {
  readonly record: LogRecord;
  readonly size: number;
  readonly arrivedAt: number;
  /** Position in the record's topic after this record. */
  readonly next: bigint;
}

export interface Batch {
  readonly records: readonly LogRecord[];
  /** Next offset after each of the records. */
  readonly nexts: readonly bigint[];
}

/** Number of full batches that may wait before fetching pauses. */
const batchesAhead = 2;

export class PartitionQueue {
  readonly #limits: BatchLimits;
  #queued: Queued[] = [];
  #head = 0;
  #bytes = 0;
  #restsUntil = Number.NEGATIVE_INFINITY;

  constructor(limits: BatchLimits) {
    this.#limits = limits;
  }

  get length(): number {
    return this.#queued.length - this.#head;
  }

  /** The last record of the chunk moves the position past the control records that follow it. */
  add(chunk: FetchedChunk, now: number): void {
    const last = chunk.records.at(-1);
    for (const record of chunk.records) {
      const size = sizeOf(record);
      const next = record === last ? chunk.next : record.offset + 1n;
      this.#queued.push({ record, size, arrivedAt: now, next });
      this.#bytes += size;
    }
  }

  get isFull(): boolean {
    const { maxRecords, maxBytes } = this.#limits;
    return this.length >= maxRecords * batchesAhead || this.#bytes >= maxBytes * batchesAhead;
  }

  get isLow(): boolean {
    const { maxRecords, maxBytes } = this.#limits;
    return this.length * 2 <= maxRecords * batchesAhead && this.#bytes * 2 <= maxBytes * batchesAhead;
  }

  /** Milliseconds until a batch may be taken; 0 means now, undefined means that the queue is empty. */
  wait(now: number): number | undefined {
    const oldest = this.#queued[this.#head];
    if (oldest === undefined) return undefined;
    const { maxRecords, maxBytes, lingerMs } = this.#limits;
    if (this.length >= maxRecords || this.#bytes >= maxBytes) return 0;
    return Math.max(0, oldest.arrivedAt + lingerMs - now, this.#restsUntil - now);
  }

  /** Takes at least one record, then as many as the limits allow. */
  take(now: number): Batch {
    this.#restsUntil = now + this.#limits.restMs;
    const records: LogRecord[] = [];
    const nexts: bigint[] = [];
    let bytes = 0;
    while (this.length > 0 && records.length < this.#limits.maxRecords) {
      const queued = this.#queued[this.#head];
      if (queued === undefined || (records.length > 0 && bytes + queued.size > this.#limits.maxBytes)) break;
      records.push(queued.record);
      nexts.push(queued.next);
      bytes += queued.size;
      this.#head += 1;
    }
    this.#bytes -= bytes;
    this.#compact();
    return { records, nexts };
  }

  clear(): void {
    this.#queued = [];
    this.#head = 0;
    this.#bytes = 0;
  }

  #compact(): void {
    if (this.#head < 1024 && this.#head < this.#queued.length) return;
    this.#queued = this.#queued.slice(this.#head);
    this.#head = 0;
  }
}
