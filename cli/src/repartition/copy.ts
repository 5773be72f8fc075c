/**
 * Copies a topic exactly once, also when it is interrupted and repeated. Records that the groups have processed are
 * copied first: their end in the target is the new committed offset.
 */
import type { Log, LogRecord, OutgoingRecord } from '@headwater/log';
import { mergedRecords, type PartitionRange } from './merged-records.ts';
import type { CopyProgress } from './progress-topic.ts';
import { emptyDigest, withRecord } from './record-digest.ts';

export interface CopyOptions {
  readonly log: Log;
  readonly from: string;
  readonly to: string;
  /** Records of the source before these offsets were processed. */
  readonly processed: readonly bigint[];
  readonly place: (record: LogRecord) => number;
  readonly headers: (record: LogRecord) => Readonly<Record<string, Buffer>>;
  /** Both or none. */
  readonly commit: (records: readonly OutgoingRecord[], progress: CopyProgress) => Promise<void>;
  /** Waits until the committed records can be read. */
  readonly settle: () => Promise<void>;
  readonly signal: AbortSignal;
  readonly progress: (done: number, total: number) => void;
}

/** Limits of one transaction. */
const step = { records: 500, bytes: 4 * 1024 * 1024 };

/** Resumes after `former`, up to the end of the source. Errors: those of `commit`, the signal's reason. */
export async function copyTopic(
  options: CopyOptions,
  former: CopyProgress | undefined,
): Promise<CopyProgress> {
  let progress = former ?? (await firstProgress(options));
  if (progress.processedInTarget === undefined) {
    progress = await copyTo(options, progress, progress.processed.map(BigInt));
    await options.settle();
    const ends = (await options.log.admin.offsets(options.to)).map(({ high }) => String(high));
    progress = { ...progress, processedInTarget: ends };
    await options.commit([], progress);
  }
  for (;;) {
    const ends = (await options.log.admin.offsets(options.from)).map(({ high }) => high);
    if (ends.every((end, partition) => BigInt(progress.next[partition] ?? 0) >= end)) break;
    progress = await copyTo(options, progress, ends);
  }
  await options.settle();
  return progress;
}

async function firstProgress({ log, from, processed }: CopyOptions): Promise<CopyProgress> {
  const lows = (await log.admin.offsets(from)).map(({ low }) => String(low));
  return {
    lows,
    next: lows,
    processed: processed.map(String),
    records: 0,
    digest: emptyDigest,
    isDone: false,
  };
}

async function copyTo(
  options: CopyOptions,
  from: CopyProgress,
  ends: readonly bigint[],
): Promise<CopyProgress> {
  const { log, signal, commit } = options;
  const ranges = ends.map((to, partition) => ({ partition, from: BigInt(from.next[partition] ?? 0), to }));
  const total = ranges.reduce((sum, { from: start, to }) => sum + Number(to > start ? to - start : 0n), 0);
  const batch: { records: OutgoingRecord[]; bytes: number; progress: CopyProgress } = {
    records: [],
    bytes: 0,
    progress: from,
  };
  const flush = async () => {
    signal.throwIfAborted();
    await commit(batch.records, batch.progress);
    options.progress(batch.progress.records - from.records, total);
    batch.records = [];
    batch.bytes = 0;
  };
  for await (const record of mergedRecords(log, options.from, ranges)) {
    batch.records.push(copyOf(record, options));
    batch.bytes += record.value?.length ?? 0;
    batch.progress = withCopied(batch.progress, record);
    if (batch.records.length >= step.records || batch.bytes >= step.bytes) await flush();
  }
  const next = furthest(batch.progress.next, ends);
  if (batch.records.length === 0 && next.join() === batch.progress.next.join()) return batch.progress;
  batch.progress = { ...batch.progress, next };
  await flush();
  return batch.progress;
}

function copyOf(record: LogRecord, { to, place, headers }: CopyOptions): OutgoingRecord {
  const { key, value, timestamp } = record;
  return { topic: to, partition: place(record), key, value, timestamp, headers: headers(record) };
}

function withCopied(progress: CopyProgress, record: LogRecord): CopyProgress {
  const next = [...progress.next];
  next[record.partition] = String(record.offset + 1n);
  return { ...progress, next, records: progress.records + 1, digest: withRecord(progress.digest, record) };
}

/** Behind the last records lie only those that no reader is given. */
function furthest(next: readonly string[], ends: readonly bigint[]): string[] {
  return ends.map((end, partition) => {
    const at = BigInt(next[partition] ?? 0);
    return String(at > end ? at : end);
  });
}

/** Number and digest of all committed records. */
export async function contentOf(
  log: Log,
  topic: string,
  signal: AbortSignal,
): Promise<{ readonly records: number; readonly digest: string }> {
  let [records, digest] = [0, emptyDigest];
  for (const partition of (await log.admin.offsets(topic)).keys()) {
    for await (const chunk of log.read({ topic, partition })) {
      signal.throwIfAborted();
      for (const record of chunk) digest = withRecord(digest, record);
      records += chunk.length;
    }
  }
  return { records, digest };
}

export function rangesOf({ lows, next }: CopyProgress): PartitionRange[] {
  return lows.map((low, partition) => ({ partition, from: BigInt(low), to: BigInt(next[partition] ?? low) }));
}
