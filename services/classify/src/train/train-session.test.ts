import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  createLabelledSet,
  type DenseLayer,
  deserializeLabelledSet,
  type Head,
  type HeadKind,
  type LabelledSet,
  type LabelledVector,
  type LayersTask,
  openHead,
  quantize,
  type TrainOptions,
  trainHead,
  trainLayersHead,
} from '@headwater/heads';
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
import type { TaskSettings } from '../task-settings.ts';
import { eventually, vectorOf } from '../testing/rig.ts';
import type { ExampleWindow } from './example-window.ts';
import { KeptSets } from './kept-sets.ts';
import { OpenSets } from './open-sets.ts';
import type { Solver } from './solver.ts';
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
/** How often the session woke its lane since the last offer. */
let woken: number;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'headwater-train-'));
  examples = await openCodec(ids, 'Example', 'examples');
  heads = await openCodec(ids, 'HeadTrained', topics.heads);
  serving = await openCodec(ids, 'HeadActivated', topics.serving);
  table = new HeadsTable({ topics, heads, serving, logger });
  tail = 0n;
  written = 0n;
  failures = 0;
  held = undefined;
  started = [];
  openSets = new OpenSets();
  opened = [];
  session = await open(0n);
});
afterEach(async () => {
  await session.close();
  rmSync(folder, { recursive: true, force: true });
});

interface Choices {
  readonly prior?: 'uniform' | 'empirical';
  readonly kinds?: readonly HeadKind[];
  readonly window?: ExampleWindow;
  /** What is otherwise for single tasks. */
  readonly own?: Readonly<Record<string, Partial<TaskSettings>>>;
  readonly keptSets?: KeptSets;
  /** What the log holds, for the lane to be rolled forward. */
  readonly log?: readonly LogRecord[];
}

function open(
  position: bigint,
  { prior = 'uniform', kinds = ['lda'], window, own = {}, keptSets, log = [] }: Choices = {},
): Promise<LaneSession> {
  woken = 0;
  const lane: Lane = {
    index: 0,
    topics: ['examples'],
    positions: new Map([['examples', position]]),
    replay: ({ from, to }) =>
      (async function* () {
        yield log.filter(({ offset }) => offset >= from && offset < to);
      })(),
    wake: () => {
      woken++;
    },
  };
  const options = {
    group: 'train',
    folder,
    storeMaxAgeMs: 60_000,
    partitions: 1,
    examplesTopic: 'examples',
    examples,
    settingsOf: (task: string) => ({ kinds, prior, units: 16, window, ...own[task] }),
    solver,
    topics,
    heads,
    serving,
    blobs: createFolderBlobStore({ root: join(folder, 'blobs') }),
    table,
    extractors: ['eight.v1'],
    inlineBytes: 1_000_000,
    follower: { catchUp: async () => undefined, onHeads: () => () => undefined },
    board: new TrainBoard(metrics),
    lanes: new LanesBoard('train', metrics, logger),
    ...(keptSets === undefined ? {} : { keptSets }),
    openSets,
    logger: { ...logger, info: (fields: object) => opened.push(fields) } as typeof logger,
    earliest: async () => 0n,
    end: async () => tail,
  };
  return openTrainSession(options, lane);
}

let openSets = new OpenSets();
/** What was told of lanes that were opened. */
let opened: object[] = [];
let failures = 0;
/** While true, solves do not end, but for being aborted. */
let held: (() => void)[] | undefined;
/** What the last solve got beyond its set. */
let givenMore: readonly LabelledVector[] | undefined;
let started: string[] = [];

const solver: Solver = {
  isFree: () => true,
  start: solveHere,
  onFree: () => () => undefined,
  close: async () => undefined,
};

async function solveHere(
  set: LabelledSet,
  options: TrainOptions,
  urgency: string,
  aborted: AbortSignal,
  more?: Promise<readonly LabelledVector[]>,
): Promise<Head> {
  const copy = deserializeLabelledSet(set.serialize());
  started.push(`${options.kind} ${options.mode} ${urgency}`);
  givenMore = more && (await more);
  if (failures-- > 0) throw new Error('cannot be solved');
  if (held !== undefined) {
    const releases = held;
    await new Promise<void>((resolve, reject) => {
      releases.push(resolve);
      aborted.addEventListener('abort', () => reject(new Error('aborted')));
    });
  }
  return options.kind === 'mlp'
    ? trainLayersHead(copy, options, zeroLayers, givenMore)
    : trainHead(copy, options, givenMore);
}

async function zeroLayers({ dimensions, classes }: LayersTask): Promise<DenseLayer[]> {
  const weights = new Float32Array(dimensions * classes);
  return [{ inputs: dimensions, weights, biases: new Float32Array(classes) }];
}

/** Everything in the background ends, and what came of it is committed. */
async function offered(): Promise<HeadTrained[]> {
  await eventually(async () => woken > 0);
  woken = 0;
  const output = (await session.offer?.(signal)) ?? null;
  const offers = await headsOf(output);
  await commit(output);
  return offers;
}

/** A batch is learned; then the head that has learned it. */
async function learn(records: readonly LogRecord[]): Promise<HeadTrained | undefined> {
  await commit(await session.process(records, signal));
  return (await offered()).at(-1);
}

/** Labels pause. */
async function settle(): Promise<HeadTrained | undefined> {
  await commit((await session.idle?.(signal)) ?? null);
  return (await offered()).at(-1);
}

function exampleRecord(image: number, label: string | null, task = 'digit'): LogRecord {
  const imageId = `i${image}`;
  const vector = quantize(Float32Array.from(vectorOf(image % 3, image)));
  const example = {
    extractor: 'eight.v1',
    task,
    imageId,
    label,
    assignedAt: 1,
    annotator: '',
    group: null,
    vector,
  };
  const key = Buffer.from(compositeKey('eight.v1', task, imageId));
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

const batch = (from: number, to: number, task?: string) =>
  Array.from({ length: to - from }, (_, index) =>
    exampleRecord(from + index, `c${(from + index) % 3}`, task),
  );

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
  const records = (output?.records ?? []).filter(
    ({ topic, value }) => topic === topics.heads && value !== null,
  );
  return Promise.all(records.map(({ value }) => heads.decode(value ?? Buffer.alloc(0))));
}

describe('the trainer’s session', () => {
  it('publishes a head of what is committed, and a settled one when labels pause', async () => {
    const first = await session.process(batch(0, 9), signal);
    expect(first.records).toEqual([]);
    await commit(first);
    const [provisional] = await offered();
    expect(provisional).toMatchObject({ version: 1, mode: 'provisional', examples: 9, watermark: 9 });
    tail += 1n;
    const settled = await settle();
    expect(settled).toMatchObject({
      version: 2,
      mode: 'settled',
      watermark: 10,
      setDigest: provisional?.setDigest,
    });
    expect(await session.idle?.(signal)).toBeNull();
    expect(await session.offer?.(signal)).toBeNull();
    expect(table.activation('digit')).toMatchObject({ version: 2, reason: 'champion' });
  });

  it('goes on learning while a head is solved, and publishes it with the next batch', async () => {
    held = [];
    await commit(await session.process(batch(0, 9), signal));
    const second = await session.process(batch(9, 12), signal);
    expect(second.records).toEqual([]);
    await commit(second);
    for (const release of held) release();
    held = undefined;
    await eventually(async () => woken > 0);
    const third = await session.process(batch(12, 15), signal);
    expect(await headsOf(third)).toMatchObject([{ version: 1, examples: 9, watermark: 9 }]);
    await commit(third);
    woken = 0;
    expect(await offered()).toMatchObject([{ version: 2, examples: 15, watermark: 15 }]);
  });

  it('drops a settled solve when labels come again', async () => {
    await learn(batch(0, 9));
    held = [];
    await commit((await session.idle?.(signal)) ?? null);
    expect(started.at(-1)).toBe('lda settled later');
    held = undefined;
    expect(await learn(batch(9, 12))).toMatchObject({ version: 2, mode: 'provisional', examples: 12 });
    expect(await settle()).toMatchObject({ version: 3, mode: 'settled', examples: 12 });
  });

  it('learns a batch once that was not committed and comes again', async () => {
    const records = batch(0, 9);
    await session.process(records, signal);
    await session.process(records.slice(0, 4), signal);
    const head = await learn(records);
    expect(head).toMatchObject({ version: 1, examples: 9 });
    expect(await settle()).toMatchObject({ examples: 9, setDigest: head?.setDigest });
  });

  it('publishes a solved head once, also where its batch was not committed', async () => {
    await commit(await session.process(batch(0, 9), signal));
    await eventually(async () => woken > 0);
    expect(await headsOf(await session.process(batch(9, 12), signal))).toMatchObject([{ version: 1 }]);
    const again = await session.process(batch(9, 12), signal);
    expect(await headsOf(again)).toMatchObject([{ version: 1, examples: 9 }]);
    await commit(again);
    expect(await headsOf((await session.offer?.(signal)) ?? null)).toEqual([]);
  });

  it('moves the watermark, and not the version, where examples came that changed nothing', async () => {
    await learn(batch(0, 6));
    const before = await settle();
    await commit(await session.process([exampleRecord(0, 'c0'), exampleRecord(7, null)], signal));
    const idle = (await session.idle?.(signal)) ?? null;
    const moved = await headsOf(idle);
    expect(moved).toHaveLength(1);
    expect(moved[0]).toMatchObject({ version: before?.version, digest: before?.digest, watermark: 8 });
    expect(idle?.records).toHaveLength(1);
  });

  it('goes on after a restart: the same set, the next version, no head without need', async () => {
    await learn(batch(0, 6));
    const before = await settle();
    await session.close();
    session = await open(tail);
    expect(await session.idle?.(signal)).toBeNull();
    expect(await learn(batch(6, 9))).toMatchObject({ version: (before?.version ?? 0) + 1, examples: 9 });
  });

  it('solves after a restart what nobody published before it', async () => {
    held = [];
    await commit(await session.process(batch(0, 6), signal));
    await session.close();
    held = undefined;
    session = await open(tail);
    expect(await settle()).toMatchObject({ version: 1, mode: 'settled', examples: 6, watermark: 6 });
  });

  it('gives no version twice to a task that was empty at a restart', async () => {
    await learn(batch(0, 3));
    const retracted = [0, 1, 2].map((image) => exampleRecord(image, null));
    await commit(await session.process(retracted, signal));
    expect(table.activation('digit')).toBeUndefined();
    await session.close();
    session = await open(tail);
    expect(await learn(batch(0, 3))).toMatchObject({ version: 2, examples: 3 });
  });

  it('publishes no head of a set that is gone', async () => {
    await commit(await session.process(batch(0, 3), signal));
    await eventually(async () => woken > 0);
    const retracted = [0, 1, 2].map((image) => exampleRecord(image, null));
    const output = await session.process(retracted, signal);
    expect(await headsOf(output)).toEqual([]);
    await commit(output);
    expect(await session.offer?.(signal)).toBeNull();
  });

  it('goes on learning when a set cannot be solved, and solves it when labels pause', async () => {
    failures = 1;
    await commit(await session.process(batch(0, 6), signal));
    await commit(await session.process(batch(6, 9), signal));
    expect(table.headsOf('digit')).toEqual([]);
    expect(await settle()).toMatchObject({ version: 1, mode: 'settled', examples: 9 });
  });

  it('solves again when the choices change', async () => {
    await learn(batch(0, 6));
    await settle();
    await session.close();
    session = await open(tail, { prior: 'empirical' });
    expect(await settle()).toMatchObject({ version: 3, mode: 'settled' });
  });

  it('scores new examples with the head that has not seen them', async () => {
    await learn(batch(0, 9));
    const head = await learn([exampleRecord(9, 'c0'), exampleRecord(10, 'c2'), exampleRecord(0, 'c1')]);
    expect(head?.measurements).toMatchObject({
      prequentialExamples: 2,
      prequentialAccuracy: 0.5,
      'prequentialPrecision/c0': 1,
      'prequentialRecall/c2': 0,
    });
  });

  it('counts a score once, whatever is processed again, and keeps it through a restart', async () => {
    await learn(batch(0, 9));
    const records = batch(9, 12);
    await session.process(records, signal);
    await learn(records);
    await session.close();
    session = await open(tail);
    const head = await learn(batch(12, 14));
    expect(head?.measurements.prequentialExamples).toBe(5);
  });

  it('trains every kind from the same set, each with versions of its own, and one of them serves', async () => {
    await session.close();
    session = await open(0n, { kinds: ['lda', 'ncm', 'ridge'] });
    await commit(await session.process(batch(0, 9), signal));
    await eventually(async () => started.length === 3);
    await eventually(async () => {
      await offered();
      return table.headsOf('digit').length === 3;
    });
    const known = table.headsOf('digit');
    expect(new Set(known.map(({ setDigest }) => setDigest)).size).toBe(1);
    expect(known.map(({ kind, version }) => `${kind} ${version}`).sort()).toEqual([
      'lda 1',
      'ncm 1',
      'ridge 1',
    ]);
    expect(table.activation('digit')).toMatchObject({ kind: 'lda', version: 1 });
    expect(started.sort()).toEqual([
      'lda provisional now',
      'ncm provisional later',
      'ridge provisional later',
    ]);
  });

  it.each(['mlp', 'softmax'] as const)(
    'gives settled heads of kind %s all examples that are kept, and not those that went',
    async (kind) => {
      await session.close();
      session = await open(tail, { kinds: [kind] });
      await learn([...batch(0, 9), exampleRecord(2, null)]);
      expect([started.at(-1), givenMore]).toEqual([`${kind} provisional now`, undefined]);
      const head = await settle();
      expect(head).toMatchObject({ kind, mode: 'settled', examples: 8 });
      const images = givenMore?.map(({ imageId }) => imageId).sort();
      expect(images).toEqual(['i0', 'i1', 'i3', 'i4', 'i5', 'i6', 'i7', 'i8']);
    },
  );

  it('learns a window alone, and the same one after a restart', async () => {
    const window = { newest: 6 };
    await session.close();
    session = await open(0n, { window });
    const head = await learn(batch(0, 9));
    expect(head?.examples).toBe(6);
    await session.close();
    session = await open(tail, { window });
    expect(await settle()).toMatchObject({ examples: 6, setDigest: head?.setDigest });
    expect(await learn(batch(9, 12))).toMatchObject({ examples: 6 });
  });

  it('tombstones versions that are too old, and never the one that serves', async () => {
    for (let image = 0; image < 24; image++) {
      await learn([exampleRecord(image, `c${image % 2}`)]);
      if (image === 1) await pin(2);
    }
    const versions = table.headsOf('digit').map(({ version }) => version);
    expect(versions).toEqual([...Array.from({ length: 20 }, (_, index) => 24 - index), 2]);
    expect(table.activation('digit')).toMatchObject({ version: 2, reason: 'pinned' });
  });

  it('gives a head that can be opened', async () => {
    const head = await learn(batch(0, 9));
    if (head === undefined || !(head.parameters instanceof Uint8Array)) throw new Error('no head');
    const { kind, classes, dimensions, parameters } = head;
    const classifier = openHead({ kind, classes, dimensions, parameters });
    expect(classifier.predict(quantize(Float32Array.from(vectorOf(1, 70)))).label).toBe('c1');
  });
});

describe('tasks with settings of their own', () => {
  const own = {
    digit: { kinds: ['lda', 'ncm'], window: { newest: 6 } },
    defect: { prior: 'empirical', lift: 16 },
  } as const;
  const plain = { 'digit lda': 10, 'defect lda': 10 };
  const special = { 'digit lda': 6, 'digit ncm': 6, 'defect lda': 10 };
  let log: LogRecord[];

  async function learnBoth(choices: Choices, expected: Readonly<Record<string, number>>): Promise<void> {
    await session.close();
    session = await open(0n, choices);
    log = [...batch(0, 10), ...batch(0, 10, 'defect')];
    await commit(await session.process(log, signal));
    await settled(expected);
  }

  async function reopen(choices: Choices): Promise<void> {
    await session.close();
    started = [];
    session = await open(tail, { log, ...choices });
  }

  /** Labels pause until the newest heads of both tasks are settled ones of so many examples, which have learned everything. */
  async function settled(expected: Readonly<Record<string, number>>): Promise<Map<string, HeadTrained>> {
    return eventually(async () => {
      await commit((await session.idle?.(signal)) ?? null);
      await commit((await session.offer?.(signal)) ?? null);
      const heads = newest();
      const isDone = (name: string, count: number) =>
        heads.get(name)?.mode === 'settled' && heads.get(name)?.examples === count;
      return Object.entries(expected).every(([name, count]) => isDone(name, count)) && heads;
    });
  }

  function newest(): Map<string, HeadTrained> {
    const known = ['digit', 'defect'].flatMap((task) => table.headsOf(task)).reverse();
    const names = new Map(known.map((head) => [`${head.task} ${head.kind}`, head]));
    return new Map(
      [...names].flatMap(([name, head]) => {
        const found = table.newest(head);
        return found === undefined ? [] : [[name, found] as const];
      }),
    );
  }

  const digests = (heads: ReadonlyMap<string, HeadTrained>, names: object) =>
    Object.keys(names).map((name) => `${name} ${heads.get(name)?.digest}`);

  /** Of the first ten images, with no trainer. */
  function digestByHand(task: string, { lift, prior }: Pick<TaskSettings, 'lift' | 'prior'>): string {
    const set = createLabelledSet({ extractor: 'eight.v1', task, dimensions: 8, lift: lift ?? null });
    for (let image = 0; image < 10; image++) {
      const vector = quantize(Float32Array.from(vectorOf(image % 3, image)));
      set.add({ imageId: `i${image}`, label: `c${image % 3}`, group: null, vector });
    }
    return trainHead(set, { kind: 'lda', mode: 'settled', prior }).digest;
  }

  it('learn side by side, each as it is told', async () => {
    await learnBoth({ own }, special);
    const heads = newest();
    expect([...heads.keys()].sort()).toEqual(['defect lda', 'digit lda', 'digit ncm']);
    expect(heads.get('defect lda')?.digest).toBe(digestByHand('defect', { prior: 'empirical', lift: 16 }));
    expect(openSets.find('eight.v1', 'digit')?.set.examples).toBe(6);
  });

  it('have, after a restart with other settings, the heads of these, and again those of before', async () => {
    await learnBoth({ own }, special);
    const before = digests(newest(), special);
    await reopen({});
    expect(opened.at(-1)).toMatchObject({ outcome: 'rebuilt' });
    await eventually(async () => {
      const heads = await settled(plain);
      return heads.get('defect lda')?.digest === digestByHand('defect', { prior: 'uniform' });
    });
    expect(newest().get('digit lda')?.digest).toBe(digestByHand('digit', { prior: 'uniform' }));
    await reopen({ own });
    await eventually(async () => digests(await settled(special), special).join() === before.join());
  });

  it('are solved anew where their choices are others, and nowhere else', async () => {
    await learnBoth({}, plain);
    const before = newest();
    await reopen({ own: { defect: own.defect } });
    expect(opened.at(-1)).toMatchObject({ outcome: 'current' });
    await eventually(
      async () => (await settled(plain)).get('defect lda')?.version !== before.get('defect lda')?.version,
    );
    expect(newest().get('defect lda')?.digest).toBe(digestByHand('defect', own.defect));
    expect(newest().get('digit lda')).toEqual(before.get('digit lda'));
    expect(started).toEqual(['lda settled later']);
  });

  it('are still to be solved anew where the process ended before they were', async () => {
    await learnBoth({}, plain);
    held = [];
    await reopen({ own: { defect: own.defect } });
    log.push(exampleRecord(0, 'c1'));
    await commit(await session.process(log.slice(-1), signal));
    await session.close();
    held = undefined;
    await reopen({ own: { defect: own.defect } });
    await eventually(
      async () => (await settled(plain)).get('defect lda')?.digest === digestByHand('defect', own.defect),
    );
  });

  it('are looked at where nobody knows any more what they were, and keep their versions if it is the same', async () => {
    await learnBoth({}, plain);
    const before = newest();
    await session.close();
    rmSync(folder, { recursive: true });
    await reopen({ own: { defect: own.defect } });
    expect(opened.at(-1)).toMatchObject({ outcome: 'rebuilt' });
    await eventually(
      async () => (await settled(plain)).get('defect lda')?.digest === digestByHand('defect', own.defect),
    );
    await eventually(async () => started.length === 2);
    await settled(plain);
    expect(newest().get('digit lda')).toEqual(before.get('digit lda'));
    await reopen({ own: { defect: own.defect } });
    expect(await session.idle?.(signal)).toBeNull();
    expect(started).toEqual([]);
  });
});

describe('a lane that is opened again in the same process', () => {
  const setDigest = () => openSets.find('eight.v1', 'digit')?.set.setDigest;
  let keptSets: KeptSets;
  let log: LogRecord[];

  beforeEach(async () => {
    await session.close();
    keptSets = new KeptSets();
    session = await open(0n, { keptSets });
    log = batch(0, 12);
    await commit(await session.process(log, signal));
  });

  /** Closes the lane, and opens it with the sets that were kept; then adds up anew, to compare. */
  async function reopen(position: bigint): Promise<{ kept: string | undefined; anew: string | undefined }> {
    await session.close();
    session = await open(position, { keptSets, log });
    const kept = setDigest();
    await session.close();
    session = await open(position, { log });
    return { kept, anew: setDigest() };
  }

  it('keeps its labelled sets', async () => {
    const before = setDigest();
    const { kept, anew } = await reopen(tail);
    expect(opened.slice(-2)).toMatchObject([
      { outcome: 'current', setsKept: true },
      { outcome: 'current', setsKept: false },
    ]);
    expect([kept, anew]).toEqual([before, before]);
  });

  it('takes back what was not committed, and learns what is committed since', async () => {
    const before = setDigest();
    await session.process([exampleRecord(3, 'c2'), exampleRecord(40, 'c1'), exampleRecord(5, null)], signal);
    expect(setDigest()).not.toBe(before);
    tail -= 3n;
    log = [...log, ...batch(50, 53), exampleRecord(4, 'c2'), exampleRecord(6, null)];
    const { kept, anew } = await reopen(tail);
    expect(opened.at(-2)).toMatchObject({ outcome: 'rolled-forward', records: 5, setsKept: true });
    expect(kept).toBe(anew);
    expect(openSets.find('eight.v1', 'digit')?.set.examples).toBe(14);
  });

  it('adds up anew where its store starts over', async () => {
    const { kept, anew } = await reopen(4n);
    expect(opened.at(-2)).toMatchObject({ outcome: 'rebuilt', setsKept: false });
    expect(kept).toBe(anew);
  });

  it('adds up anew where a batch was under way when it was closed', async () => {
    // The store goes from under it.
    const learning = session.process(batch(60, 64), signal).catch(() => undefined);
    tail -= 4n;
    const closing = session.close();
    await learning;
    await closing;
    session = await open(tail, { keptSets, log });
    expect(opened.at(-1)).toMatchObject({ outcome: 'current', setsKept: false });
  });

  it('does not take sets that are not those of the store', async () => {
    await session.close();
    const kept = keptSets.take(0);
    kept?.sets.apply({
      extractor: 'eight.v1',
      task: 'digit',
      dimensions: 8,
      removed: null,
      added: {
        imageId: 'stray',
        label: 'c0',
        group: null,
        vector: quantize(Float32Array.from(vectorOf(0, 1))),
      },
    });
    if (kept !== undefined) keptSets.keep(0, kept);
    session = await open(tail, { keptSets, log });
    expect(opened.at(-1)).toMatchObject({ setsKept: false });
    expect(openSets.find('eight.v1', 'digit')?.set.examples).toBe(12);
  });
});
