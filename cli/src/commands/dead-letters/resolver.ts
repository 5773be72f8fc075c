/**
 * Retries and drops dead letters. Each step is one transaction of the original records and the resolution record.
 * Its transactional id fences other commands; after an interruption the next command resumes after the last commit.
 */
import { asHeadwaterError, HeadwaterError } from '@headwater/errors';
import type { Log, LogRecord, LogTransactions, Names, OutgoingRecord } from '@headwater/log';
import { formatPosition, originalRecord } from './dead-letter.ts';
import { DeadLetterTopic } from './dead-letter-topic.ts';
import { OffsetSet } from './offset-set.ts';
import { type Resolution, resolutionRecords } from './resolution-records.ts';
import { erasedSince, type PlannedDeadLetter, type PlanOptions, planDeadLetters } from './retry-plan.ts';

export interface ResolvingOptions extends PlanOptions {
  readonly log: Log;
  readonly names: Names;
  /** The dead-letter topic. */
  readonly topic: string;
  /** Called with the number of resolved dead letters, and the total. */
  readonly progress: (done: number, total: number) => void;
}

export interface RetryReport {
  readonly topic: string;
  readonly retried: number;
  /** Dropped, since their images were erased after the failure. */
  readonly erased: number;
  /** Skipped: their source record is unknown, or its topic was deleted. */
  readonly unknown: number;
}

export interface DropReport {
  readonly topic: string;
  readonly dropped: number;
}

/** Limits of one transaction. */
const step = { letters: 200, bytes: 4 * 1024 * 1024, marks: 2_000 };
const attempts = 5;
const pauseMs = 1_000;

/**
 * Produces the original records of pending dead letters again. Errors: log-fenced (another command has taken over),
 * record-too-large, limit-exceeded, topic-missing, log-unavailable, the signal's reason.
 */
export async function retryDeadLetters(options: ResolvingOptions): Promise<RetryReport> {
  let retried = 0;
  let erased = 0;
  return holding(options, async (transactions, topic) => {
    const plan = await planRetry(options, topic);
    await settle(transactions, topic, 'dropped', plan.erased);
    erased += plan.erased.length;
    const total = retried + plan.letters.length;
    for await (const { letters, records } of steps(options.log, topic, plan.letters)) {
      options.signal.throwIfAborted();
      await commitStep(transactions, topic, letters, records);
      retried += letters.length;
      options.progress(retried, total);
    }
    return { topic: topic.name, retried, erased, unknown: plan.unknown.length };
  });
}

/** The plan of a retry. */
export async function previewRetry(options: ResolvingOptions): Promise<RetryReport> {
  const topic = await DeadLetterTopic.open(options.log, options.topic, options.signal);
  const { letters, erased, unknown } = await planRetry(options, topic);
  return {
    topic: topic.name,
    retried: letters.length,
    erased: erased.length,
    unknown: unknown.length,
  };
}

/** Marks pending dead letters as dropped, and deletes the records before the first pending one. */
export async function dropDeadLetters(options: ResolvingOptions): Promise<DropReport> {
  const dropped: PlannedDeadLetter[] = [];
  await holding(options, async (transactions, topic) => {
    const letters = await planDeadLetters(topic, options);
    const total = dropped.length + letters.length;
    for (let at = 0; at < letters.length; at += step.marks) {
      options.signal.throwIfAborted();
      const part = letters.slice(at, at + step.marks);
      await settle(transactions, topic, 'dropped', part);
      dropped.push(...part);
      options.progress(dropped.length, total);
    }
  });
  await deleteSettled(options, offsetsOf(dropped));
  return { topic: options.topic, dropped: dropped.length };
}

/** Number of pending dead letters that a drop would resolve. */
export async function countPending(options: ResolvingOptions): Promise<number> {
  const topic = await DeadLetterTopic.open(options.log, options.topic, options.signal);
  return (await planDeadLetters(topic, options)).length;
}

async function planRetry({ log, ...options }: ResolvingOptions, topic: DeadLetterTopic) {
  const letters = await planDeadLetters(topic, options);
  const erased = await erasedSince(log, letters, options.signal);
  const counts = await countPartitions(log, letters);
  const isKnown = ({ source }: PlannedDeadLetter) =>
    source !== null && counts.get(source.topic) !== undefined;
  return {
    letters: letters.filter((letter) => isKnown(letter) && !erased.has(letter)),
    erased: letters.filter((letter) => erased.has(letter)),
    unknown: letters.filter((letter) => !isKnown(letter)),
  };
}

async function countPartitions(log: Log, letters: readonly PlannedDeadLetter[]) {
  const topics = new Set(letters.flatMap(({ source }) => (source === null ? [] : [source.topic])));
  const counts = new Map<string, number | undefined>();
  for (const topic of topics) counts.set(topic, await log.admin.partitions(topic));
  return counts;
}

/**
 * Does the work as the only owner of the topic, and repeats it after an unknown commit: the resolution records show
 * the outcome. The topic is read after the former owner is fenced, so no resolution record is missed.
 */
async function holding<T>(
  { log, names, topic, signal }: ResolvingOptions,
  work: (transactions: LogTransactions, topic: DeadLetterTopic) => Promise<T>,
): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    const transactions = await log.openTransactions(names.transactionalId(`${topic}-retry`, 0));
    try {
      return await work(transactions, await DeadLetterTopic.open(log, topic, signal));
    } catch (thrown) {
      const error = asHeadwaterError(thrown);
      if (error.code === 'log-fenced') throw takenOver(topic, error);
      if (signal.aborted || error.verdict !== 'retry' || attempt === attempts) throw thrown;
    } finally {
      await transactions.close();
    }
    await new Promise((resolve) => setTimeout(resolve, pauseMs * attempt));
  }
}

function takenOver(topic: string, cause: HeadwaterError): HeadwaterError {
  const message = `another command has taken over the dead letters of ${topic}; those resolved before stay resolved`;
  return new HeadwaterError('log-fenced', message, { verdict: 'stop', cause });
}

/** Parts of the plan with their records; a dead letter that expired meanwhile has none. */
async function* steps(log: Log, topic: DeadLetterTopic, plan: readonly PlannedDeadLetter[]) {
  const counts = await countPartitions(log, plan);
  for (let at = 0; at < plan.length; at += step.letters) {
    let letters: PlannedDeadLetter[] = [];
    let records: OutgoingRecord[] = [];
    let bytes = 0;
    const part = plan.slice(at, at + step.letters);
    const found = await readLetters(topic, part);
    for (const letter of part) {
      const record = found.get(nameOf(letter));
      const size = record?.value?.length ?? 0;
      if (letters.length > 0 && bytes + size > step.bytes) {
        yield { letters, records };
        [letters, records, bytes] = [[], [], 0];
      }
      if (record === undefined || letter.source === null) continue;
      letters.push(letter);
      records.push(originalRecord(record, letter.source, counts.get(letter.source.topic) ?? 0));
      bytes += size;
    }
    if (letters.length > 0) yield { letters, records };
  }
}

const nameOf = ({ partition, offset }: { readonly partition: number; readonly offset: bigint }) =>
  `${partition}/${offset}`;

async function readLetters(topic: DeadLetterTopic, part: readonly PlannedDeadLetter[]) {
  const found = new Map<string, LogRecord>();
  for (const partition of new Set(part.map((letter) => letter.partition))) {
    const offsets = part.filter((letter) => letter.partition === partition).map(({ offset }) => offset);
    offsets.sort((a, b) => (a < b ? -1 : Number(a > b)));
    for await (const record of topic.at(partition, offsets)) found.set(nameOf(record), record);
  }
  return found;
}

/** Where a record is too large for its topic, the others of the step are sent one by one, and the command ends with that one. */
async function commitStep(
  transactions: LogTransactions,
  topic: DeadLetterTopic,
  letters: readonly PlannedDeadLetter[],
  records: readonly OutgoingRecord[],
): Promise<void> {
  try {
    await transactions.commit([...records, ...resolutionRecords(topic.name, 'retried', offsetsOf(letters))]);
  } catch (thrown) {
    const error = asHeadwaterError(thrown);
    if (error.code !== 'record-too-large') throw thrown;
    const [letter] = letters;
    if (letters.length === 1 && letter !== undefined) throw doesNotFit(topic.name, letter, error);
    for (const [index, one] of letters.entries()) {
      await commitStep(transactions, topic, [one], records.slice(index, index + 1));
    }
  }
}

function doesNotFit(topic: string, letter: PlannedDeadLetter, cause: HeadwaterError): HeadwaterError {
  const place = formatPosition({ topic, partition: letter.partition, offset: letter.offset });
  const advice = 'raise max.message.bytes of its source topic, or drop it';
  return new HeadwaterError(cause.code, `cannot retry ${place}: ${cause.message}; ${advice}`, { cause });
}

async function settle(
  transactions: LogTransactions,
  topic: DeadLetterTopic,
  settlement: Resolution,
  letters: readonly PlannedDeadLetter[],
): Promise<void> {
  for (let at = 0; at < letters.length; at += step.marks) {
    const offsets = offsetsOf(letters.slice(at, at + step.marks));
    await transactions.commit(resolutionRecords(topic.name, settlement, offsets));
  }
}

function offsetsOf(letters: readonly PlannedDeadLetter[]): Map<number, OffsetSet> {
  const sets = new Map<number, OffsetSet>();
  for (const { partition, offset } of letters) {
    const set = sets.get(partition) ?? new OffsetSet();
    sets.set(partition, set);
    set.add(offset);
  }
  return sets;
}

/** Deletes resolved dead letters before they expire. `dropped` is passed in, since its records may not be readable yet. */
async function deleteSettled(
  { log, topic: name, signal }: ResolvingOptions,
  dropped: ReadonlyMap<number, OffsetSet>,
): Promise<void> {
  const topic = await DeadLetterTopic.open(log, name, signal);
  const before = new Map(topic.ranges.map(({ high }, partition) => [partition, high]));
  for await (const { letter, settlement } of topic.letters({}, signal)) {
    const { partition, offset } = letter;
    if (settlement !== undefined || dropped.get(partition)?.has(offset)) continue;
    const first = before.get(partition);
    if (first !== undefined && offset < first) before.set(partition, offset);
  }
  await log.admin.deleteRecords(name, before);
}
