/** `headwater dead-letters list` and `show`. */
import { writeFile } from 'node:fs/promises';
import { HeadwaterError } from '@headwater/errors';
import type { Console } from '../../terminal/console.ts';
import { withCluster, withFileName } from '../cluster-connection.ts';
import { parsePosition } from './dead-letter.ts';
import { DeadLetterTopic, type FoundDeadLetter } from './dead-letter-topic.ts';
import { describe, detailsOf, lineOf, toJson } from './presentation.ts';
import { type SelectionOptions, topicsOf } from './selection.ts';

export interface ListOptions extends SelectionOptions {
  /** Includes retried and dropped ones. */
  readonly all: boolean;
}

export interface ShowOptions {
  /** A file for the bytes of the value. */
  readonly payload?: string;
  readonly json: boolean;
}

const defaultListed = 100;

type Say = (found: Omit<FoundDeadLetter, 'record'>) => void;
/** By topic and error code. */
type Counts = Map<string, number>;

export async function listDeadLetters(options: ListOptions, console: Console): Promise<number> {
  return withCluster(console, async (cluster) => {
    const letters: ReturnType<typeof toJson>[] = [];
    const say: Say = options.json
      ? (found) => letters.push(toJson(found))
      : (found) => console.stdout.write(`${lineOf(found)}\n`);
    const counts: Counts = new Map();
    for (const name of await topicsOf(options, cluster)) {
      const topic = await DeadLetterTopic.open(cluster.clients.log, name, console.signal);
      await listTopic(topic, options, console.signal, counts, say);
    }
    const total = [...counts.values()].reduce((sum, count) => sum + count, 0);
    if (options.json) {
      console.stdout.write(`${JSON.stringify({ total, counts: Object.fromEntries(counts), letters })}\n`);
      return 0;
    }
    console.stderr.write(total === 0 ? 'no matching dead letters\n' : `${total} dead letters:\n`);
    for (const [kind, count] of counts) console.stderr.write(`  ${count} × ${kind}\n`);
    return 0;
  });
}

/** Lists the first ones, and counts all. */
async function listTopic(
  topic: DeadLetterTopic,
  options: ListOptions,
  signal: AbortSignal,
  counts: Counts,
  say: Say,
): Promise<void> {
  let left = options.limit ?? defaultListed;
  for await (const { letter, settlement } of topic.letters(options, signal)) {
    if (settlement !== undefined && !options.all) continue;
    const kind = `${topic.name} ${letter.code}`;
    counts.set(kind, (counts.get(kind) ?? 0) + 1);
    if (left > 0) say({ letter, settlement });
    left -= 1;
  }
}

export async function showDeadLetter(
  text: string,
  { payload, json }: ShowOptions,
  console: Console,
): Promise<number> {
  const place = parsePosition(text);
  if (place === undefined) {
    throw new HeadwaterError('request-invalid', `${text}: expected topic/partition/offset`);
  }
  return withCluster(console, async ({ clients }) => {
    const topic = await DeadLetterTopic.open(clients.log, place.topic, console.signal);
    const found = await topic.find(place.partition, place.offset);
    const details = detailsOf(found);
    if (payload !== undefined) {
      await withFileName(payload, () =>
        writeFile(payload, found.record.value ?? '', { flag: 'wx', mode: 0o600 }),
      );
      console.stderr.write(`${found.letter.valueBytes ?? 0} bytes written to ${payload}\n`);
    }
    console.stdout.write(`${json ? JSON.stringify(details) : describe(details)}\n`);
    return 0;
  });
}
