/**
 * The digest of every training set from the examples in any partitions: it must be equal before and after a
 * repartitioning.
 */
import { createHash } from 'node:crypto';
import { asDeadLetter } from '@headwater/errors';
import { addDigest, digestExample, formatDigest } from '@headwater/heads';
import type { LogRecord } from '@headwater/log';
import { type Codec, compositeKey, type Example, openCodec, parseCompositeKey } from '@headwater/schemas';
import type { ClusterClients } from '../../model-registry/head-catalog.ts';
import { Draft, type StateReader } from '../../store/state.ts';
import type { OnProgress } from '../progress.ts';
import { openTemporaryStore } from '../temporary-store.ts';

export interface ExampleSet {
  readonly task: string;
  readonly extractor: string;
  /** Examples with a label. */
  readonly examples: number;
  readonly setDigest: string;
}

export interface ExampleSetsOptions {
  readonly clients: Pick<ClusterClients, 'log' | 'names' | 'schemaIds'>;
  /** A folder inside it holds one digest an example meanwhile. */
  readonly folder: string;
  readonly signal?: AbortSignal | undefined;
  readonly progress?: OnProgress | undefined;
}

const prefix = 'example/';

/** Ordered by task and extractor. Errors: topic-missing, log-unavailable, store-unavailable, the signal's reason. */
export async function readExampleSets(options: ExampleSetsOptions): Promise<ExampleSet[]> {
  const temporary = await openTemporaryStore(options.folder);
  try {
    for await (const records of readTopic(options)) {
      const draft = new Draft(temporary.store);
      const codec = await openCodec(
        options.clients.schemaIds,
        'Example',
        options.clients.names.topics.examples,
      );
      for (const record of records) await take(record, codec, draft);
      await temporary.store.write(draft.changes, new Map());
    }
    return sumUp(temporary.store);
  } finally {
    await temporary.discard();
  }
}

async function* readTopic({ clients, signal, progress }: ExampleSetsOptions) {
  const { log, names } = clients;
  const topic = names.topics.examples;
  const ranges = await log.admin.offsets(topic);
  const total = ranges.reduce((sum, { low, high }) => sum + Number(high - low), 0);
  let done = 0;
  for (const [partition, { high }] of ranges.entries()) {
    for await (const records of log.read({ topic, partition, to: high })) {
      signal?.throwIfAborted();
      yield records;
      done += records.length;
      progress?.({ stage: 'reading examples', done, total });
    }
  }
}

interface Kept {
  readonly set: string;
  readonly timestamp: number;
  /** null: no label. */
  readonly digest: string | null;
}

/**
 * The newest record of a key counts: the last one of a partition, and of several partitions the one with the
 * latest time.
 */
async function take(record: LogRecord, codec: Codec<Example>, draft: Draft): Promise<void> {
  const key = record.key?.toString('utf8') ?? '';
  const at = `${prefix}${createHash('sha256').update(key, 'utf8').digest('hex')}`;
  const kept = draft.get(at);
  if (kept !== undefined && (JSON.parse(kept.toString('utf8')) as Kept).timestamp > record.timestamp) return;
  const found = await read(key, record.value, codec);
  if (found === undefined) return;
  draft.put(at, Buffer.from(JSON.stringify({ ...found, timestamp: record.timestamp } satisfies Kept)));
}

/** Undefined for records that the trainer skips too. */
async function read(
  key: string,
  value: Buffer | null,
  codec: Codec<Example>,
): Promise<Omit<Kept, 'timestamp'> | undefined> {
  try {
    const [extractor, task] = parseCompositeKey(key);
    if (extractor === undefined || task === undefined) return undefined;
    const set = compositeKey(task, extractor);
    const example = value === null ? null : await codec.decode(value);
    if (example === null || example.label === null) return { set, digest: null };
    const labelled = { ...example, label: example.label };
    return { set, digest: formatDigest(digestExample(extractor, task, labelled)) };
  } catch (error) {
    asDeadLetter(error);
    return undefined;
  }
}

function sumUp(store: StateReader): ExampleSet[] {
  const sums = new Map<string, { examples: number; digest: bigint }>();
  for (const { value } of store.range(prefix)) {
    const { set, digest } = JSON.parse(value.toString('utf8')) as Kept;
    if (digest === null) continue;
    const sum = sums.get(set) ?? { examples: 0, digest: 0n };
    sums.set(set, { examples: sum.examples + 1, digest: addDigest(sum.digest, BigInt(`0x${digest}`)) });
  }
  return [...sums.keys()].sort().map((set) => {
    const [task = '', extractor = ''] = parseCompositeKey(set);
    const { examples = 0, digest = 0n } = sums.get(set) ?? {};
    return { task, extractor, examples, setDigest: formatDigest(digest) };
  });
}
