/**
 * Retention, compaction and size limits of all topics. `headwater topics --dry-run` prints these; the services
 * create or check the topics.
 */
import type { TopicSpec } from '../api.ts';
import type { Names } from './names.ts';

export interface TopicSpecsOptions {
  readonly extractors: readonly string[];
  /** Equal for all co-partitioned topics. */
  readonly partitions: number;
  /** −1 or left out: the broker's default. */
  readonly replicationFactor?: number | undefined;
  /** Left out: the broker's default. */
  readonly minInsyncReplicas?: number | undefined;
  /** Milliseconds; −1 means unlimited. */
  readonly retention?: {
    /** Default seven days. */
    readonly images?: number | undefined;
    /** Default unlimited: labels cannot be recomputed. */
    readonly labels?: number | undefined;
    /** Default thirty days. */
    readonly predictions?: number | undefined;
    /** Default thirty days. */
    readonly deadLetters?: number | undefined;
  };
  /** Record limit in bytes of all topics except `heads` and dead letters, which allow more; default 1 MiB. */
  readonly maxMessageBytes?: number | undefined;
  /** Limit in bytes of a head, whose parameters are in the record; default 16 MiB. */
  readonly maxHeadBytes?: number | undefined;
  /** Time in milliseconds after which a superseded or erased record is compacted away; default one day. */
  readonly maxCompactionLag?: number | undefined;
}

const hour = 3_600_000;
const day = 24 * hour;

/** A dead letter adds headers to its source record, so its topic must accept larger records. */
const deadLetterHeadroom = 131_072;

export function topicSpecs(names: Names, options: TopicSpecsOptions): TopicSpec[] {
  const { topics } = names;
  const keep = { ...options.retention };
  const bytes = options.maxMessageBytes ?? 1_048_576;
  const headBytes = Math.max(bytes, options.maxHeadBytes ?? 16 * 1_048_576);
  const lag = options.maxCompactionLag ?? day;
  const table = { settings: compacted(lag), bytes };
  // A superseded vector may still await its prediction: it stays readable for half of the lag.
  const vectors = {
    settings: { ...compacted(lag), 'min.compaction.lag.ms': String(Math.floor(lag / 2)) },
    bytes,
  };

  const read = [
    { name: topics.images, settings: keptFor(keep.images ?? 7 * day), bytes },
    { name: topics.labels, settings: keptFor(keep.labels ?? -1), bytes },
    ...options.extractors.map((extractor) => ({ name: topics.vectors(extractor), ...vectors })),
    { name: topics.examples, ...table },
  ];
  const deadLetters = read.map((source) => ({
    name: topics.deadLetters(source.name),
    settings: keptFor(keep.deadLetters ?? 30 * day),
    bytes: bytes + deadLetterHeadroom,
  }));
  const spread = [
    ...read,
    { name: topics.predictions, settings: keptFor(keep.predictions ?? 30 * day), bytes },
    ...deadLetters,
  ];
  // One partition keeps the order of a task's heads; heads are few and every process reads all.
  const single = [
    { name: topics.heads, settings: compacted(lag), bytes: headBytes },
    { name: topics.serving, ...table },
  ];
  return [
    ...spread.map((topic) => specify(topic, options.partitions, options)),
    ...single.map((topic) => ({ ...specify(topic, 1, options), isSingle: true })),
  ];
}

type Settings = Readonly<Record<string, string>>;

function specify(
  topic: { readonly name: string; readonly settings: Settings; readonly bytes: number },
  partitions: number,
  options: TopicSpecsOptions,
): TopicSpec {
  return {
    name: topic.name,
    partitions,
    ...(options.replicationFactor === undefined ? {} : { replicationFactor: options.replicationFactor }),
    settings: {
      ...topic.settings,
      'max.message.bytes': String(topic.bytes),
      ...(options.minInsyncReplicas === undefined
        ? {}
        : { 'min.insync.replicas': String(options.minInsyncReplicas) }),
    },
  };
}

function keptFor(milliseconds: number): Settings {
  return { 'cleanup.policy': 'delete', 'retention.ms': String(milliseconds) };
}

/** Tombstones stay for a week after compaction, so that a reader that was down for days sees them. */
function compacted(maxLag: number): Settings {
  return {
    'cleanup.policy': 'compact',
    'max.compaction.lag.ms': String(maxLag),
    'delete.retention.ms': String(7 * day),
  };
}
