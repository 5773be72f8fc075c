/** What giving the topics other partitions takes: which topics, in which order, and whose committed offsets go with them. */
import { HeadwaterError } from '@headwater/errors';
import {
  formerPartitions,
  type Log,
  type LogAdmin,
  type LogRecord,
  type Names,
  type PlacedKey,
  partitionFor,
  type TopicSpec,
} from '@headwater/log';
import { parseCompositeKey } from '@headwater/schemas';

/** What a record's partition follows from: its key, the task in its key, or nothing where there is one partition. */
type PlacedBy = 'key' | 'task' | 'single';

export interface PlannedTopic {
  readonly name: string;
  readonly placedBy: PlacedBy;
  /** As it was found. */
  readonly found: TopicSpec;
  readonly partitions: number;
  /** Whose committed offsets are carried over. */
  readonly groups: readonly string[];
}

export interface PlanOptions {
  readonly log: Log;
  readonly names: Names;
  readonly extractors: readonly string[];
  readonly partitions: number;
}

/** Sources come before what was made of them. Topics that do not exist are left out. Errors: log-forbidden, log-unavailable. */
export async function planTopics({
  log,
  names,
  extractors,
  partitions,
}: PlanOptions): Promise<PlannedTopic[]> {
  const { topics, groups } = names;
  const plan: [name: string, placedBy: PlacedBy, groups: readonly string[]][] = [
    [topics.images, 'key', extractors.map((extractor) => groups.extract(extractor))],
    ...extractors.map((extractor): [string, PlacedBy, string[]] => [
      topics.vectors(extractor),
      'key',
      [groups.join],
    ]),
    [topics.labels, 'key', [groups.join]],
    [topics.examples, 'task', [groups.train]],
    [topics.predictions, 'key', []],
    [topics.heads, 'single', []],
    [topics.serving, 'single', []],
  ];
  const planned: PlannedTopic[] = [];
  for (const [name, placedBy, readers] of plan) {
    const found = await log.admin.describe(name);
    if (found === undefined) continue;
    const wanted = placedBy === 'single' ? 1 : partitions;
    planned.push({
      name,
      placedBy,
      found,
      partitions: wanted,
      groups: await usedGroups(log.admin, readers, name),
    });
  }
  return planned;
}

/** A group that has committed nothing begins at the first record, before and after. */
async function usedGroups(admin: LogAdmin, groups: readonly string[], topic: string): Promise<string[]> {
  const used: string[] = [];
  for (const group of groups) {
    if ((await admin.committed(group, topic)).some((offset) => offset !== undefined)) used.push(group);
  }
  return used;
}

/** Whether every record lies where it belongs: as many partitions as wanted, and none was added after records were written. */
export async function isInPlace(log: Log, topic: PlannedTopic): Promise<boolean> {
  if (topic.found.partitions !== topic.partitions) return false;
  if (topic.placedBy === 'single') return true;
  const sample: PlacedKey[] = [];
  for (let partition = 0; partition < topic.partitions; partition += 1) {
    for await (const records of log.read({ topic: topic.name, partition })) {
      for (const record of records) {
        const key = placeKey(record, topic.placedBy);
        if (key !== undefined) sample.push({ key, partition });
      }
      break;
    }
  }
  return formerPartitions(sample, topic.partitions) === undefined;
}

/** The partition that the record gets among the topic's new ones. Without a key any one is as good. */
export function placeOf(record: LogRecord, { placedBy, partitions }: PlannedTopic): number {
  const key = placeKey(record, placedBy);
  return key === undefined ? record.partition % partitions : partitionFor(key, partitions);
}

function placeKey({ key }: LogRecord, placedBy: PlacedBy): Buffer | string | undefined {
  if (key === null || placedBy !== 'task') return key ?? undefined;
  try {
    return parseCompositeKey(key.toString('utf8'))[1] ?? key;
  } catch {
    return key;
  }
}

/**
 * Positions up to which the records of a topic were processed, by partition. Errors: request-invalid where its groups stand at different
 * positions: no order of the new topic fits both.
 */
export async function processedUpTo(log: Log, { name, groups }: PlannedTopic): Promise<bigint[]> {
  const ranges = await log.admin.offsets(name);
  let common: bigint[] | undefined;
  for (const group of groups) {
    const committed = await log.admin.committed(group, name);
    const positions = ranges.map(({ low, high }, partition) => clamp(committed[partition] ?? low, low, high));
    if (common !== undefined && positions.some((position, partition) => position !== common?.[partition])) {
      const message = `groups ${groups.join(', ')} have read ${name} to different offsets; run their services until all have read it to its end, with ingest stopped`;
      throw new HeadwaterError('request-invalid', message);
    }
    common = positions;
  }
  return common ?? ranges.map(({ high }) => high);
}

function clamp(offset: bigint, low: bigint, high: bigint): bigint {
  if (offset < low) return low;
  return offset > high ? high : offset;
}
