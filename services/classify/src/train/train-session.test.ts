import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { deserializeLabelledSet, type LabelledSet, openHead, quantize, trainHead } from '@headwater/heads';
import {
  type Codec,
  compositeKey,
  createFingerprintIds,
  type Example,
  type HeadActivated,
  type HeadTrained,
  openCodec,
} from '@headwater/schemas';
import {
  createFolderBlobStore,
  createLogger,
  createMetrics,
  type Lane,
  type LaneOutput,
  type LaneSession,
  type LogRecord,
} from '@headwater/stream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LanesBoard } from '../lanes-board.ts';
import { HeadsTable } from '../predict/heads-table.ts';
import { vectorOf } from '../testing/rig.ts';
import { TrainBoard } from './train-board.ts';
import { openTrainSession } from './train-session.ts';

const topics = { heads: 'heads', serving: 'serving' };
const ids = createFingerprintIds();
const { signal } = new AbortController();
const metrics = createMetrics({ processDefaults: false });
const logger = createLogger({ name: 'test', level: 'silent' });
let folder: string;
let examples: Codec<Example>;
let heads: Codec<HeadTrained>;
let serving: Codec<HeadActivated>;
let table: HeadsTable;
let session: LaneSession;
let tail: bigint;
let written: bigint;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'headwater-train-'));
  examples = await openCodec(ids, 'Example', 'examples');
  heads = await openCodec(ids, 'HeadTrained', topics.heads);
  serving = await openCodec(ids, 'HeadActivated', topics.serving);
  table = new HeadsTable({ topics, heads, serving, logger });
  tail = 0n;
  written = 0n;
  session = await open(0n);
});
afterEach(async () => {
  await session.close();
  rmSync(folder, { recursive: true, force: true });
});

function open(position: bigint, prior: 'uniform' | 'empirical' = 'uniform'): Promise<LaneSession> {
  const lane: Lane = {
    index: 0,
    topics: ['examples'],
    positions: new Map([['examples', position]]),
    replay: () => (async function* () {})(),
  };
  const options = {
    group: 'train',
    folder,
    storeMaxAgeMs: 60_000,
    partitions: 1,
    examplesTopic: 'examples',
    examples,
    fullBatch: 100,
    kind: 'lda' as const,
    prior,
    solver: { solve: solveHere, close: async () => undefined },
    topics,
    heads,
    serving,
    blobs: createFolderBlobStore({ root: join(folder, 'blobs') }),
    table,
    extractors: ['eight.v1'],
    inlineBytes: 1_000_000,
    follower: { catchUp: async () => undefined },
    board: new TrainBoard(metrics),
    lanes: new LanesBoard('train', metrics, logger),
    logger,
    earliest: async () => 0n,
    end: async () => tail,
  };
  return openTrainSession(options, lane);
}

let failures = 0;

async function solveHere(set: LabelledSet, options: Parameters<typeof trainHead>[1]) {
  if (failures-- > 0) throw new Error('cannot be solved');
  return trainHead(deserializeLabelledSet(set.serialize()), options);
}

function exampleRecord(image: number, label: string | null): LogRecord {
  const imageId = `i${image}`;
  const vector = quantize(Float32Array.from(vectorOf(image % 3, image)));
  const example = {
    extractor: 'eight.v1',
    task: 'digit',
    imageId,
    label,
    assignedAt: 1,
    annotator: '',
    group: null,
    vector,
  };
  const key = Buffer.from(compositeKey('eight.v1', 'digit', imageId));
  return {
    topic: 'examples',
    partition: 0,
    offset: tail++,
    timestamp: 0,
    key,
    value: examples.encode(example),
    headers: {},
  };
}

const batch = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, index) => exampleRecord(from + index, `c${(from + index) % 3}`));

/** As the log does it: the outputs reach the table of heads, then the session is told. */
async function commit(output: LaneOutput | null): Promise<void> {
  if (output === null) return;
  const records = output.records.map((record) => ({
    topic: record.topic,
    partition: 0,
    offset: written++,
    timestamp: 0,
    key: Buffer.from(record.key ?? ''),
    value: record.value,
    headers: {},
  }));
  await table.apply(records);
  await output.committed?.(new Map([['examples', tail]]));
}

async function pin(version: number): Promise<void> {
  const activation = {
    task: 'digit',
    extractor: 'eight.v1',
    kind: 'lda',
    version,
    reason: 'pinned',
    activatedAt: 1,
  } as const;
  const value = serving.encode(activation);
  const key = Buffer.from('digit');
  await table.apply([
    { topic: topics.serving, partition: 0, offset: written++, timestamp: 0, key, value, headers: {} },
  ]);
}

async function headsOf(output: LaneOutput | null): Promise<HeadTrained[]> {
  const records = (output?.records ?? []).filter(({ topic }) => topic === topics.heads);
  return Promise.all(records.map(({ value }) => heads.decode(value ?? Buffer.alloc(0))));
}

describe('the trainer’s session', () => {
  it('publishes a head as an output of the batch that it has learned, and a settled one when labels pause', async () => {
    const first = await session.process(batch(0, 9), signal);
    const [provisional] = await headsOf(first);
    expect(provisional).toMatchObject({ version: 1, mode: 'provisional', examples: 9, watermark: 9 });
    await commit(first);
    tail += 1n;
    const idle = (await session.idle?.(signal)) ?? null;
    const [settled] = await headsOf(idle);
    expect(settled).toMatchObject({
      version: 2,
      mode: 'settled',
      watermark: 10,
      setDigest: provisional?.setDigest,
    });
    await commit(idle);
    expect(await session.idle?.(signal)).toBeNull();
    expect(table.activation('digit')).toMatchObject({ version: 2, reason: 'champion' });
  });

  it('learns a batch once that was not committed and comes again', async () => {
    const records = batch(0, 9);
    await session.process(records, signal);
    await session.process(records.slice(0, 4), signal);
    const again = await session.process(records, signal);
    const [head] = await headsOf(again);
    expect(head).toMatchObject({ version: 1, examples: 9 });
    await commit(again);
    const idle = (await session.idle?.(signal)) ?? null;
    expect((await headsOf(idle))[0]).toMatchObject({ examples: 9, setDigest: head?.setDigest });
  });

  it('moves the watermark, and not the version, where examples came that changed nothing', async () => {
    await commit(await session.process(batch(0, 6), signal));
    await commit((await session.idle?.(signal)) ?? null);
    const before = table.headsOf('digit')[0];
    await commit(await session.process([exampleRecord(0, 'c0'), exampleRecord(7, null)], signal));
    const idle = (await session.idle?.(signal)) ?? null;
    const moved = await headsOf(idle);
    expect(moved).toHaveLength(1);
    expect(moved[0]).toMatchObject({ version: before?.version, digest: before?.digest, watermark: 8 });
    expect(idle?.records).toHaveLength(1);
  });

  it('goes on after a restart: the same set, the next version, no head without need', async () => {
    await commit(await session.process(batch(0, 6), signal));
    await commit((await session.idle?.(signal)) ?? null);
    const before = table.headsOf('digit')[0];
    await session.close();
    session = await open(tail);
    expect(await session.idle?.(signal)).toBeNull();
    const [next] = await headsOf(await session.process(batch(6, 9), signal));
    expect(next).toMatchObject({ version: (before?.version ?? 0) + 1, examples: 9 });
  });

  it('gives no version twice to a task that was empty at a restart', async () => {
    await commit(await session.process(batch(0, 3), signal));
    await commit(
      await session.process(
        [0, 1, 2].map((image) => exampleRecord(image, null)),
        signal,
      ),
    );
    expect(table.activation('digit')).toBeUndefined();
    await session.close();
    session = await open(tail);
    const [next] = await headsOf(await session.process(batch(0, 3), signal));
    expect(next).toMatchObject({ version: 2, examples: 3 });
  });

  it('goes on learning when a set cannot be solved, and solves it later', async () => {
    failures = 1;
    const first = await session.process(batch(0, 6), signal);
    expect(first.records).toEqual([]);
    await commit(first);
    const idle = (await session.idle?.(signal)) ?? null;
    expect((await headsOf(idle))[0]).toMatchObject({ version: 1, mode: 'settled', examples: 6 });
  });

  it('solves again when the choices change', async () => {
    await commit(await session.process(batch(0, 6), signal));
    await commit((await session.idle?.(signal)) ?? null);
    await session.close();
    session = await open(tail, 'empirical');
    expect((await headsOf((await session.idle?.(signal)) ?? null))[0]).toMatchObject({
      version: 3,
      mode: 'settled',
    });
  });

  it('scores new examples with the head that has not seen them', async () => {
    await commit(await session.process(batch(0, 9), signal));
    const output = await session.process(
      [exampleRecord(9, 'c0'), exampleRecord(10, 'c2'), exampleRecord(0, 'c1')],
      signal,
    );
    const [head] = await headsOf(output);
    expect(head?.measurements).toMatchObject({ prequentialExamples: 2, prequentialAccuracy: 0.5 });
  });

  it('tombstones versions that are too old, and never the one that serves', async () => {
    for (let image = 0; image < 24; image++) {
      await commit(await session.process([exampleRecord(image, `c${image % 2}`)], signal));
      if (image === 1) await pin(2);
    }
    const versions = table.headsOf('digit').map(({ version }) => version);
    expect(versions).toEqual([...Array.from({ length: 20 }, (_, index) => 24 - index), 2]);
    expect(table.activation('digit')).toMatchObject({ version: 2, reason: 'pinned' });
  });

  it('gives a head that can be opened', async () => {
    const [head] = await headsOf(await session.process(batch(0, 9), signal));
    if (head === undefined || !(head.parameters instanceof Uint8Array)) throw new Error('no head');
    const { kind, classes, dimensions, parameters } = head;
    const classifier = openHead({ kind, classes, dimensions, parameters });
    expect(classifier.predict(quantize(Float32Array.from(vectorOf(1, 70)))).label).toBe('c1');
  });
});
