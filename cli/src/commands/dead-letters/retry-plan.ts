/**
 * The dead letters of a command, in the order of their source records: by partition, then by offset. A plan has
 * positions and sizes alone, to bound memory; the bytes are read in each step.
 */
import { HeadwaterError } from '@headwater/errors';
import type { Log } from '@headwater/log';
import type { Place } from './dead-letter.ts';
import type { DeadLetterFilter, DeadLetterTopic } from './dead-letter-topic.ts';

/** Maximum dead letters of one topic in a command. */
const maxDeadLetters = 250_000;

export interface PlannedDeadLetter {
  readonly partition: number;
  readonly offset: bigint;
  /** null: its headers name no source record. */
  readonly source: Place | null;
  /** latin1, which keeps any bytes. */
  readonly key: string | null;
}

export interface PlanOptions {
  readonly filter: DeadLetterFilter;
  /** Maximum number, in order. */
  readonly limit: number | undefined;
  readonly signal: AbortSignal;
}

/** Pending dead letters. Errors: limit-exceeded, log-unavailable, the signal's reason. */
export async function planDeadLetters(
  topic: DeadLetterTopic,
  options: PlanOptions,
): Promise<PlannedDeadLetter[]> {
  const { filter, limit, signal } = options;
  const pending: PlannedDeadLetter[] = [];
  for await (const { letter, record, settlement } of topic.letters(filter, signal)) {
    if (settlement !== undefined) continue;
    if (pending.length === maxDeadLetters) throw tooMany(topic.name);
    const { partition, offset, source } = letter;
    pending.push({ partition, offset, source, key: record.key?.toString('latin1') ?? null });
  }
  return pending.sort(bySource).slice(0, limit ?? pending.length);
}

function tooMany(topic: string): HeadwaterError {
  const message = `more than ${maxDeadLetters} dead letters of ${topic} match; narrow them with --code, --since and --until, or --key`;
  return new HeadwaterError('limit-exceeded', message);
}

function bySource(a: PlannedDeadLetter, b: PlannedDeadLetter): number {
  const [first, second] = [a.source, b.source];
  if (first === null || second === null) return Number(first === null) - Number(second === null);
  return (
    compare(first.topic, second.topic) ||
    first.partition - second.partition ||
    compare(first.offset, second.offset) ||
    // Two dead letters of one record: it was processed again in between, so the second one is kept alone.
    a.partition - b.partition ||
    compare(a.offset, b.offset)
  );
}

function compare<T extends string | bigint>(a: T, b: T): number {
  return a < b ? -1 : Number(a > b);
}

type Sourced = PlannedDeadLetter & { readonly source: Place };

/**
 * Dead letters of images that were erased later, by a younger tombstone: a retry would restore the image.
 * Errors: log-unavailable, the signal's reason.
 */
export async function erasedSince(
  log: Log,
  letters: readonly PlannedDeadLetter[],
  signal: AbortSignal,
): Promise<ReadonlySet<PlannedDeadLetter>> {
  const erased = new Set<PlannedDeadLetter>();
  for (const group of bySourcePartition(letters)) {
    const tombstones = await readTombstones(log, group, signal);
    for (const letter of group) {
      const at = letter.key === null ? undefined : tombstones.get(letter.key);
      if (at !== undefined && at > letter.source.offset) erased.add(letter);
    }
  }
  return erased;
}

function bySourcePartition(letters: readonly PlannedDeadLetter[]): Iterable<readonly Sourced[]> {
  const groups = new Map<string, Sourced[]>();
  for (const letter of letters) {
    if (letter.source === null) continue;
    const name = `${letter.source.topic}/${letter.source.partition}`;
    const group = groups.get(name) ?? [];
    groups.set(name, group);
    group.push(letter as Sourced);
  }
  return groups.values();
}

/** Offset of the last tombstone of each key, after the first dead letter. */
async function readTombstones(log: Log, letters: readonly Sourced[], signal: AbortSignal) {
  const found = new Map<string, bigint>();
  const first = letters[0]?.source;
  if (first === undefined || first.partition >= ((await log.admin.partitions(first.topic)) ?? 0))
    return found;
  const keys = new Set(letters.map(({ key }) => key));
  const { topic, partition, offset: from } = first;
  for await (const chunk of log.read({ topic, partition, from })) {
    signal.throwIfAborted();
    for (const { key, value, offset } of chunk) {
      const text = key?.toString('latin1') ?? null;
      if (value === null && text !== null && keys.has(text)) found.set(text, offset);
    }
  }
  return found;
}
