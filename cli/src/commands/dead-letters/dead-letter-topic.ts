/** One dead-letter topic, read twice: once for the resolution records, once for the dead letters. */
import { HeadwaterError } from '@headwater/errors';
import type { Log, LogRecord, OffsetRange } from '@headwater/log';
import { readDeadLetter, type StoredDeadLetter } from './dead-letter.ts';
import { isResolutionRecord, type Resolution, ResolvedOffsets } from './resolution-records.ts';

/** Conditions on dead letters; undefined ones match all. */
export interface DeadLetterFilter {
  readonly code?: string | undefined;
  readonly key?: string | undefined;
  /** Written at or after, milliseconds since the epoch. */
  readonly since?: number | undefined;
  /** Written before. */
  readonly until?: number | undefined;
}

export interface FoundDeadLetter {
  readonly letter: StoredDeadLetter;
  /** undefined: neither retried nor dropped. */
  readonly settlement: Resolution | undefined;
  readonly record: LogRecord;
}

function matches(letter: StoredDeadLetter, { code, key, since, until }: DeadLetterFilter): boolean {
  return (
    (code === undefined || letter.code === code) &&
    (key === undefined || letter.key === key) &&
    (since === undefined || letter.failedAt >= since) &&
    (until === undefined || letter.failedAt < until)
  );
}

export class DeadLetterTopic {
  readonly name: string;
  readonly ranges: readonly OffsetRange[];
  readonly #log: Log;
  readonly #settled: readonly ResolvedOffsets[];

  private constructor(name: string, log: Log, ranges: readonly OffsetRange[], settled: ResolvedOffsets[]) {
    this.name = name;
    this.ranges = ranges;
    this.#log = log;
    this.#settled = settled;
  }

  /** As it is now. Errors: topic-missing, log-unavailable, the signal's reason. */
  static async open(log: Log, name: string, signal: AbortSignal): Promise<DeadLetterTopic> {
    const ranges = await log.admin.offsets(name);
    const settled: ResolvedOffsets[] = [];
    for (const [partition, { low, high }] of ranges.entries()) {
      const offsets = new ResolvedOffsets();
      for await (const chunk of log.read({ topic: name, partition, from: low, to: high })) {
        signal.throwIfAborted();
        for (const record of chunk) offsets.note(record);
      }
      settled.push(offsets);
    }
    return new DeadLetterTopic(name, log, ranges, settled);
  }

  /** By partition, in order. */
  async *letters(filter: DeadLetterFilter, signal: AbortSignal): AsyncGenerator<FoundDeadLetter> {
    for (const [partition, { low, high }] of this.ranges.entries()) {
      for await (const chunk of this.#log.read({ topic: this.name, partition, from: low, to: high })) {
        signal.throwIfAborted();
        for (const record of chunk) {
          if (isResolutionRecord(record)) continue;
          const letter = readDeadLetter(record);
          if (!matches(letter, filter)) continue;
          yield { letter, record, settlement: this.#settled[partition]?.of(letter.offset) };
        }
      }
    }
  }

  /** Errors: not-found. */
  async find(partition: number, offset: bigint): Promise<FoundDeadLetter> {
    const range = this.ranges[partition];
    if (range !== undefined && offset >= range.low && offset < range.high) {
      for await (const chunk of this.#log.read({
        topic: this.name,
        partition,
        from: offset,
        to: offset + 1n,
      })) {
        for (const record of chunk) {
          if (record.offset !== offset || isResolutionRecord(record)) continue;
          return { letter: readDeadLetter(record), record, settlement: this.#settled[partition]?.of(offset) };
        }
      }
    }
    throw new HeadwaterError('not-found', `no dead letter at ${this.name}/${partition}/${offset}`);
  }

  /** Records at these offsets, which ascend, of one partition. */
  async *at(partition: number, offsets: readonly bigint[]): AsyncGenerator<LogRecord> {
    const wanted = new Set(offsets);
    for (const [from, to] of stretches(offsets)) {
      for await (const chunk of this.#log.read({ topic: this.name, partition, from, to: to + 1n })) {
        for (const record of chunk) if (wanted.has(record.offset)) yield record;
      }
    }
  }
}

/** Reading over a small gap is cheaper than another fetch. */
const smallGap = 64n;

function stretches(offsets: readonly bigint[]): [bigint, bigint][] {
  const result: [bigint, bigint][] = [];
  for (const offset of offsets) {
    const last = result.at(-1);
    if (last !== undefined && offset - last[1] <= smallGap) last[1] = offset;
    else result.push([offset, offset]);
  }
  return result;
}
