/** Options that select dead letters, and the topics that they name. */
import { HeadwaterError } from '@headwater/errors';
import { type Command, InvalidArgumentError } from 'commander';
import type { Cluster } from '../cluster-connection.ts';

export interface SelectionOptions {
  readonly topic?: readonly string[];
  readonly code?: string;
  readonly key?: string;
  /** Milliseconds since the epoch, like `until`. */
  readonly since?: number;
  readonly until?: number;
  readonly limit?: number;
  readonly json: boolean;
}

export function withSelection(command: Command): Command {
  return command
    .option('--topic <name...>', 'source topics, or their dead-letter topics (default: all)')
    .option('--code <code>', 'with this error code')
    .option('--key <key>', 'with this key, such as the id of an image')
    .option(
      '--since <time>',
      'written since: an ISO time (UTC unless it has a zone), or 90s, 15m, 2h, 7d ago',
      parseTime,
    )
    .option('--until <time>', 'written before: likewise', parseTime)
    .option('--limit <count>', 'maximum number for each topic', parseCount)
    .option('--json', 'print one JSON object, the last line of standard output', false);
}

/** Existing dead-letter topics. Errors: topic-missing for a named one that does not exist. */
export async function topicsOf(
  { topic: given }: SelectionOptions,
  { clients, config }: Cluster,
): Promise<string[]> {
  const { log, names } = clients;
  const { topics } = names;
  const suffix = topics.deadLetters('');
  const sources = given ?? [
    topics.images,
    topics.labels,
    ...config.EXTRACTORS.map((extractor) => topics.vectors(extractor)),
    topics.examples,
  ];
  const wanted = sources.map((name) => (name.endsWith(suffix) ? name : topics.deadLetters(name)));
  const found: string[] = [];
  for (const name of new Set(wanted)) {
    if ((await log.admin.partitions(name)) !== undefined) found.push(name);
    else if (given !== undefined) throw new HeadwaterError('topic-missing', `topic ${name} does not exist`);
  }
  return found;
}

const units: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** An ISO time without a zone: JavaScript would read it as local time, and lists print UTC. */
const withoutZone = /^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?$/;

/** Milliseconds since 1970. Errors: InvalidArgumentError. */
export function parseTime(text: string): number {
  const [, count, unit] = /^(\d{1,9})([smhd])$/.exec(text) ?? [];
  if (count !== undefined && unit !== undefined) return Date.now() - Number(count) * (units[unit] ?? 0);
  const time = Date.parse(withoutZone.test(text) ? `${text.replace(' ', 'T')}Z` : text);
  if (Number.isNaN(time))
    throw new InvalidArgumentError('Expected an ISO time, or such as 90s, 15m, 2h, 7d.');
  return time;
}

function parseCount(text: string): number {
  const count = /^\d{1,9}$/.test(text) ? Number(text) : 0;
  if (count < 1) throw new InvalidArgumentError('Expected a whole number of at least 1.');
  return count;
}
