/** Records that come while topics are moved would be lost: everything that reads or writes must be stopped. */
import { HeadwaterError } from '@headwater/errors';
import type { Log, Names } from '@headwater/log';

export interface PreconditionOptions {
  readonly log: Log;
  readonly names: Names;
  readonly extractors: readonly string[];
  readonly quietMs?: number;
}

const defaultQuietMs = 3_000;

/** Errors: request-invalid where a group has members, or a topic grows. */
export async function checkStopped(options: PreconditionOptions): Promise<void> {
  const { log, names, extractors, quietMs = defaultQuietMs } = options;
  for (const group of groupsOf(names, extractors)) {
    const { length: members } = (await log.admin.describeGroup(group)).members;
    if (members === 0) continue;
    const message = `group ${group} has ${members} members; stop ingest, extract and classify first (members that were killed count until their session ends)`;
    throw new HeadwaterError('request-invalid', message);
  }
  const before = await endsOf(options);
  await new Promise((resolve) => setTimeout(resolve, quietMs));
  for (const [topic, ends] of await endsOf(options)) {
    if (ends === (before.get(topic) ?? ends)) continue;
    throw new HeadwaterError(
      'request-invalid',
      `records are being written to ${topic}; stop ingest and other producers first`,
    );
  }
}

/** Ends what a killed service left open, and fences one that is only held: neither can write any more. */
export async function fenceWriters(
  { log, names }: Pick<PreconditionOptions, 'log' | 'names'>,
  extractors: readonly string[],
): Promise<void> {
  const { topics, groups } = names;
  const readers: [group: string, topic: string][] = [
    ...extractors.map((extractor): [string, string] => [groups.extract(extractor), topics.images]),
    [groups.join, topics.labels],
    [groups.train, topics.examples],
  ];
  for (const [group, topic] of readers) {
    const partitions = (await log.admin.partitions(topic)) ?? 0;
    for (let partition = 0; partition < partitions; partition += 1) {
      await (await log.openTransactions(names.transactionalId(group, partition))).close();
    }
  }
}

function groupsOf({ groups }: Names, extractors: readonly string[]): string[] {
  return [...extractors.map((extractor) => groups.extract(extractor)), groups.join, groups.train];
}

async function endsOf({ log, names, extractors }: PreconditionOptions): Promise<Map<string, string>> {
  const { topics } = names;
  const ends = new Map<string, string>();
  for (const topic of [topics.images, topics.labels, ...extractors.map(topics.vectors)]) {
    if ((await log.admin.partitions(topic)) === undefined) continue;
    ends.set(topic, (await log.admin.offsets(topic)).map(({ high }) => high).join());
  }
  return ends;
}
