/**
 * The end of a run: every label has become an example, and a settled head has learned them all. Both are read from
 * the cluster's public state (committed offsets and the `heads` table), as any operator could.
 */
import { HeadwaterError } from '@headwater/errors';
import { type Log, type LogRecord, type Names, type OffsetRange, partitionFor } from '@headwater/log';
import type { HeadTrained } from '@headwater/schemas';
import type { RunCodecs } from './codecs.ts';

export interface SettledHeadOptions {
  readonly log: Pick<Log, 'admin' | 'read' | 'follow'>;
  readonly names: Names;
  readonly codecs: Pick<RunCodecs, 'heads'>;
  readonly extractor: string;
  readonly task: string;
  /** The kind of head to wait for; the order in which kinds become ready varies. */
  readonly kind: HeadTrained['kind'];
  /** Milliseconds after which to fail. */
  readonly timeoutMs: number;
  /** Milliseconds between checks; default 200. */
  readonly interval?: number;
  readonly signal: AbortSignal;
}

/** Null when there are no examples, and so no head. Errors: timed-out, with the missing records; the signal's reason. */
export async function waitForSettledHead(options: SettledHeadOptions): Promise<HeadTrained | null> {
  const deadline = performance.now() + options.timeoutMs;
  const ends = createEnds(options.log);
  let newest: HeadTrained | null = null;
  const follower = await options.log.follow({
    topics: [options.names.topics.heads],
    from: 'beginning',
    async onRecords(records) {
      for (const record of records) newest = newerOf(newest, await readHead(record, options));
    },
  });
  try {
    await follower.caughtUp;
    for (;;) {
      options.signal.throwIfAborted();
      const missing = (await unjoined(options, ends)) ?? (await unlearned(options, ends, newest));
      if (missing === null) return newest;
      if (performance.now() > deadline) throw overdue(missing, options.timeoutMs);
      await new Promise((resolve) => setTimeout(resolve, options.interval ?? 200));
    }
  } finally {
    await follower.close();
  }
}

async function readHead({ value }: LogRecord, options: SettledHeadOptions): Promise<HeadTrained | null> {
  if (value === null) return null;
  const head = await options.codecs.heads.decode(value);
  const { extractor, task, kind } = options;
  const wanted = head.extractor === extractor && head.task === task && head.kind === kind;
  return wanted && head.mode === 'settled' ? head : null;
}

function newerOf(left: HeadTrained | null, right: HeadTrained | null): HeadTrained | null {
  if (left === null || right === null) return left ?? right;
  return right.watermark >= left.watermark ? right : left;
}

/** Describes the records that the join has not read yet; null when there are none. */
async function unjoined({ log, names, extractor }: SettledHeadOptions, ends: Ends): Promise<string | null> {
  for (const topic of [names.topics.labels, names.topics.vectors(extractor)]) {
    const committed = await log.admin.committed(names.groups.join, topic);
    const ranges = await log.admin.offsets(topic);
    for (const [partition, { low, high }] of ranges.entries()) {
      const position = committed[partition] ?? low;
      if (position >= high) continue;
      const end = await ends.of(topic, partition, { low, high });
      if (position < end) return `the join has read ${topic}/${partition} up to ${position} of ${end}`;
    }
  }
  return null;
}

/** Describes the examples that the newest settled head has not learned yet; null when there are none. */
async function unlearned(
  { log, names, task }: SettledHeadOptions,
  ends: Ends,
  head: HeadTrained | null,
): Promise<string | null> {
  const topic = names.topics.examples;
  const ranges = await log.admin.offsets(topic);
  const partition = partitionFor(task, ranges.length);
  const range = ranges[partition];
  if (range === undefined || (head !== null && BigInt(head.watermark) >= range.high)) return null;
  const end = await ends.of(topic, partition, range);
  if (end === range.low) return null;
  if (head === null) return `no settled head of ${task}; ${topic}/${partition} ends at ${end}`;
  if (BigInt(head.watermark) >= end) return null;
  return `settled head ${head.version} has learned ${topic}/${partition} up to ${head.watermark} of ${end}`;
}

interface Ends {
  of(topic: string, partition: number, range: OffsetRange): Promise<bigint>;
}

/**
 * The offset after the last record. The high watermark may be larger, since transaction markers take offsets too,
 * and consumers do not commit past them. Cached by high watermark.
 */
function createEnds(log: Pick<Log, 'read'>): Ends {
  const known = new Map<string, { readonly high: bigint; readonly end: bigint }>();
  return {
    async of(topic, partition, range) {
      const key = `${topic}/${partition}`;
      const before = known.get(key);
      if (before?.high === range.high) return before.end;
      const end = await findEnd(log, topic, partition, range);
      known.set(key, { high: range.high, end });
      return end;
    },
  };
}

async function findEnd(
  log: Pick<Log, 'read'>,
  topic: string,
  partition: number,
  { low, high }: OffsetRange,
): Promise<bigint> {
  for (let reach = 32n; ; reach *= 8n) {
    const from = low + reach < high ? high - reach : low;
    let end = from;
    for await (const records of log.read({ topic, partition, from, to: high })) {
      for (const { offset } of records) end = offset + 1n;
    }
    if (end > from || from === low) return end;
  }
}

function overdue(missing: string, timeoutMs: number): HeadwaterError {
  return new HeadwaterError('timed-out', `after ${timeoutMs / 1000} s: ${missing}`, { verdict: 'stop' });
}
