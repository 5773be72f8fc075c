import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { arithmeticOf, createLabelledSet, type HeadKind, trainHead } from '@headwater/heads';
import { createMemoryLog, partitionFor } from '@headwater/log';
import { compositeKey, type Example, type HeadTrained } from '@headwater/schemas';
import { loadConfig, type Service } from '@headwater/service-kit';
import { afterEach, describe, expect, it } from 'vitest';
import { type ClassifyConfig, classifyEnvironment } from '../../environment.ts';
import { HeadCatalog } from '../../model-registry/head-catalog.ts';
import { dayOne, eventually, Rig, vectorOf } from '../../testing/classify-fixture.ts';
import { type BackfillOptions, type BackfillReport, backfill, verdictOf } from './backfill.ts';
import type { TableComparison } from './table-comparison.ts';

const rigs: Rig[] = [];
afterEach(async () => {
  for (const rig of rigs.splice(0)) await rig.close();
});

async function openRig(): Promise<Rig> {
  const rig = await Rig.open({ log: createMemoryLog() });
  rigs.push(rig);
  return rig;
}

/** Thirty images of three classes, some of them corrected, retracted or erased, and a settled head. */
async function learn(rig: Rig): Promise<Service> {
  const service = await rig.start();
  for (let image = 0; image < 30; image++) {
    await rig.sendVector(`i${image}`, vectorOf(image % 3, image), {
      group: image % 4 === 0 ? 'scene' : null,
    });
    await rig.sendLabel(`i${image}`, `c${image % 3}`, { assignedAt: dayOne + 2_000 + image });
  }
  await rig.sendLabel('i3', 'c1', { assignedAt: dayOne + 5_000 });
  await rig.sendLabel('i4', null, { assignedAt: dayOne + 5_000 });
  await rig.settled(29);
  await rig.erase('i5');
  await rig.settled(28);
  return service;
}

function configOf(rig: Rig): ClassifyConfig {
  return loadConfig(classifyEnvironment, { EXTRACTORS: rig.extractors.join(), DATA_DIR: rig.dataDir });
}

function run(rig: Rig, options: Partial<BackfillOptions> = {}): Promise<BackfillReport> {
  const clients = rig.dependencies();
  const defaults = { task: 'digit', from: 'examples', workers: 2, publish: false } as const;
  return backfill({ clients, config: configOf(rig), ...defaults, ...options });
}

/** As somebody would who pins it. */
async function activate(rig: Rig, kind: HeadKind): Promise<void> {
  const head = (await rig.heads()).findLast((one) => one.kind === kind);
  if (head === undefined) throw new Error('there is no such head');
  const { extractor, task, version } = head;
  const activated = { extractor, task, kind, version, reason: 'pinned', activatedAt: 1 } as const;
  await rig.send(rig.names.topics.serving, task, rig.codecs.serving.encode(activated));
}

async function newestExample(rig: Rig, imageId: string): Promise<Example> {
  const all = await rig.decoded(rig.names.topics.examples, rig.codecs.examples);
  return all.filter((example) => example.imageId === imageId).at(-1) as Example;
}

async function sendExample(rig: Rig, example: Example, value?: null): Promise<void> {
  const key = compositeKey(example.extractor, example.task, example.imageId);
  const bytes = value === null ? null : rig.codecs.examples.encode(example);
  await rig.send(rig.names.topics.examples, key, bytes, partitionFor('digit', 3));
}

/** Publishes the newest head again, as if it had learned all that is in the topic. */
async function pretendToHaveLearned(rig: Rig): Promise<void> {
  const { heads, examples } = rig.names.topics;
  const newest = (await rig.heads()).at(-1);
  const end = (await rig.log.admin.offsets(examples))[partitionFor('digit', 3)]?.high ?? 0n;
  if (newest === undefined) throw new Error('there is no head');
  const key = compositeKey(newest.extractor, newest.task, newest.kind, String(newest.version));
  await rig.send(heads, key, rig.codecs.heads.encode({ ...newest, watermark: Number(end) }));
}

describe('a backfill', () => {
  it('comes to the head of the trainer, with any number of threads', async () => {
    const rig = await openRig();
    await learn(rig);
    for (const workers of [1, 3]) {
      const report = await run(rig, { workers });
      expect(report).toMatchObject({ examples: 28, classes: 3, dimensions: 8, unreadable: 0, table: null });
      expect(report.heads).toMatchObject([{ kind: 'lda', outcome: 'equal' }]);
      expect(report.heads[0]?.rebuilt.digest).toBe((await rig.settled(28)).digest);
      expect(verdictOf(report)).toBe('sound');
    }
  });

  it('makes the same examples of vectors and labels', async () => {
    const rig = await openRig();
    await learn(rig);
    const report = await run(rig, { from: 'vectors' });
    expect(report.table).toEqual({ equal: 28, missing: 0, extra: 0, different: 0 });
    expect(report.heads).toMatchObject([{ outcome: 'equal' }]);
    expect(report.setDigest).toBe((await run(rig)).setDigest);
  });

  it('sees an example that was tampered with, added or lost', async () => {
    const rig = await openRig();
    await (await learn(rig)).stop();
    const original = await newestExample(rig, 'i7');
    const tampered: [Partial<Example>, keyof TableComparison, null?][] = [
      [{ label: 'c2' }, 'different'],
      [{ vector: new Int16Array(8).fill(100) }, 'different'],
      [{ group: 'another' }, 'different'],
      [{ imageId: 'i99' }, 'extra'],
      [{}, 'missing', null],
    ];
    for (const [change, seenAs, value] of tampered) {
      const example = { ...original, ...change };
      await sendExample(rig, example, value);
      expect((await run(rig, { workers: 1 })).heads).toMatchObject([{ outcome: 'behind' }]);
      await pretendToHaveLearned(rig);
      const report = await run(rig, { workers: 1 });
      expect(report.heads).toMatchObject([{ outcome: 'different' }]);
      expect(verdictOf(report)).not.toBe('sound');
      const untouched = await run(rig, { from: 'vectors', workers: 1 });
      const none = { missing: 0, extra: 0, different: 0 };
      expect(untouched.table).toMatchObject({ ...none, [seenAs]: 1 });
      expect(untouched.heads).toMatchObject([{ outcome: 'equal' }]);
      expect(verdictOf(untouched)).not.toBe('sound');
      if (change.imageId !== undefined) await sendExample(rig, example, null);
      await sendExample(rig, original);
    }
  });

  it('looks at one task and one extractor alone', async () => {
    const rig = await openRig();
    const service = await learn(rig);
    await rig.sendLabel('i1', 'blue', { task: 'colour' });
    await rig.sendLabel('i2', 'red', { task: 'colour' });
    await rig.settled(2, 'colour');
    await service.stop();
    const report = await run(rig, { task: 'colour', from: 'vectors' });
    expect(report).toMatchObject({ examples: 2, table: { equal: 2, missing: 0, extra: 0, different: 0 } });
    expect(report.heads).toMatchObject([{ outcome: 'equal' }]);
    expect((await run(rig)).heads).toMatchObject([{ outcome: 'equal' }]);
  });

  it.each(['12', '9ms', '1h'])('keeps to the window of the trainer: %s', async (WINDOW) => {
    const rig = await openRig();
    const service = await rig.start({ WINDOW });
    for (let image = 0; image < 30; image++) {
      await rig.sendVector(`i${image}`, vectorOf(image % 3, image));
      await rig.sendLabel(`i${image}`, `c${image % 3}`, { assignedAt: dayOne + 2_000 + ((image * 7) % 30) });
    }
    const inside = WINDOW === '12' ? 12 : WINDOW === '9ms' ? 9 : 30;
    await rig.settled(inside);
    await service.stop();
    const config = loadConfig(classifyEnvironment, {
      EXTRACTORS: rig.extractors.join(),
      DATA_DIR: rig.dataDir,
      WINDOW,
    });
    const report = await run(rig, { config, from: 'vectors' });
    expect(report).toMatchObject({
      examples: inside,
      table: { equal: 30, missing: 0, extra: 0, different: 0 },
    });
    expect(report.heads).toMatchObject([{ outcome: 'equal' }]);
    expect((await run(rig, { config })).heads).toMatchObject([{ outcome: 'equal' }]);
  });

  it('learns lifted vectors, another prior and a window as the trainer does', async () => {
    const rig = await openRig();
    const environment = { LIFT: '16', PRIOR: 'empirical', WINDOW: '20', HEADS: 'lda,ridge,softmax' };
    const service = await rig.start(environment);
    for (let image = 0; image < 30; image++) {
      await rig.sendVector(`i${image}`, vectorOf(image % 3, image));
      await rig.sendLabel(`i${image}`, `c${image % 2}`, { assignedAt: dayOne + 2_000 + image });
    }
    await rig.settled(20);
    await eventually(async () => {
      const settled = (await rig.heads()).filter(
        ({ mode, examples }) => mode === 'settled' && examples === 20,
      );
      return ['ridge', 'softmax'].every((kind) => settled.some((head) => head.kind === kind));
    });
    await service.stop();
    await activate(rig, 'lda');
    const own = { EXTRACTORS: rig.extractors.join(), DATA_DIR: rig.dataDir };
    const config = loadConfig(classifyEnvironment, { ...own, ...environment });
    const report = await run(rig, { config });
    expect(report.heads).toMatchObject([
      { kind: 'lda', outcome: 'equal' },
      { kind: 'ridge', outcome: 'equal' },
      { kind: 'softmax', outcome: 'equal' },
    ]);
    expect(report.passedOver).toEqual([]);
    const { HEADS, WINDOW } = environment;
    const plain = await run(rig, { config: loadConfig(classifyEnvironment, { ...own, HEADS, WINDOW }) });
    expect(plain.setDigest).toBe(report.setDigest);
    expect(plain.heads.map(({ outcome }) => outcome)).toEqual(['different', 'different', 'different']);
    const fewer = await run(rig, {
      config: loadConfig(classifyEnvironment, { ...own, ...environment, HEADS: 'ridge,knn' }),
    });
    expect(fewer.heads).toMatchObject([
      { kind: 'lda', outcome: 'equal' },
      { kind: 'ridge', outcome: 'equal' },
    ]);
    expect(fewer).toMatchObject({ passedOver: ['softmax'], serving: 'lda' });
    await activate(rig, 'ridge');
    const served = await run(rig, {
      config: loadConfig(classifyEnvironment, { ...own, ...environment, HEADS: 'lda' }),
    });
    expect(served.heads).toMatchObject([{ kind: 'lda' }, { kind: 'ridge' }]);
    expect(verdictOf(served)).toBe('sound');
    const named = await run(rig, { config, kinds: ['lda'] });
    expect(verdictOf(named)).toBe('sound');
    expect(verdictOf({ ...named, kindsNamed: false })).toBe('incomparable');
    const none = await run(rig, {
      config: loadConfig(classifyEnvironment, { ...own, ...environment, HEADS: 'knn' }),
    });
    expect(none.heads.map(({ kind }) => kind)).toEqual(['lda', 'ridge', 'softmax']);
  });

  it('follows the settings that tasks have of their own, and others after a restart', async () => {
    const rig = await openRig();
    const path = join(rig.dataDir, 'tasks.yaml');
    const environment = { TASK_SETTINGS: path, WINDOW: '17' };
    const tasks = {
      digit: { window: 12, heads: ['lda', 'ridge'], prior: 'empirical' },
      colour: { window: 'none', lift: 16 },
    };
    writeFileSync(path, JSON.stringify({ tasks }));
    const service = await rig.start({ ...environment, TASKS: 'digit,colour,shape' });
    for (let image = 0; image < 20; image++) {
      await rig.sendVector(`i${image}`, vectorOf(image % 3, image));
      for (const task of ['digit', 'colour', 'shape']) {
        await rig.sendLabel(`i${image}`, `c${Math.min(image % 3, 1)}`, {
          task,
          assignedAt: dayOne + 2_000 + image,
        });
      }
    }
    const ofRidge = () =>
      eventually(async () =>
        (await rig.heads()).some(
          ({ kind, mode, examples }) => kind === 'ridge' && mode === 'settled' && examples === 12,
        ),
      );
    await Promise.all([rig.settled(12), rig.settled(20, 'colour'), rig.settled(17, 'shape'), ofRidge()]);
    const told = await rig.api<{ settings: object }>(service, '/v1/tasks/digit');
    expect(told.body.settings).toMatchObject({
      ...{ heads: ['lda', 'ridge'], window: { newest: 12 }, lift: null },
      ...{ maxErrorRate: null, costs: null },
    });
    const own = { EXTRACTORS: rig.extractors.join(), DATA_DIR: rig.dataDir };
    const outcomes = async (task: string, variables: Record<string, string>) => {
      const config = loadConfig(classifyEnvironment, { ...own, ...variables });
      return (await run(rig, { task, config })).heads.map(({ kind, outcome }) => `${kind} ${outcome}`);
    };
    expect(await outcomes('digit', environment)).toEqual(['lda equal', 'ridge equal']);
    expect(await outcomes('colour', environment)).toEqual(['lda equal']);
    expect(await outcomes('colour', {})).toEqual(['lda different']);
    expect(await outcomes('digit', { WINDOW: '12', HEADS: 'lda,ridge' })).toEqual([
      'lda different',
      'ridge different',
    ]);
    await service.stop();
    writeFileSync(path, JSON.stringify({ tasks: { ...tasks, digit: { window: 9 } } }));
    await rig.start(environment);
    await rig.settled(9);
    expect(await outcomes('digit', environment)).toEqual(['lda equal']);
  });

  it('says where there are more examples than a set may hold', async () => {
    const rig = await openRig();
    await (await learn(rig)).stop();
    const own = { EXTRACTORS: rig.extractors.join(), DATA_DIR: rig.dataDir };
    const config = loadConfig(classifyEnvironment, { ...own, MAX_EXAMPLES: '27' });
    await expect(run(rig, { config })).rejects.toMatchObject({ code: 'statistics-overflow' });
    const enough = loadConfig(classifyEnvironment, { ...own, MAX_EXAMPLES: '28' });
    expect((await run(rig, { config: enough })).heads).toMatchObject([{ outcome: 'equal' }]);
  });

  it('counts records that nobody can read, and passes over them as the trainer does', async () => {
    const rig = await openRig();
    await (await learn(rig)).stop();
    const key = compositeKey('eight.v1', 'digit', 'i7');
    await rig.send(rig.names.topics.examples, key, Buffer.from('rubbish'), partitionFor('digit', 3));
    const report = await run(rig);
    expect(report).toMatchObject({ examples: 28, unreadable: 1 });
  });

  it('lists the tasks and extractors that there are, where nothing is found', async () => {
    const rig = await openRig();
    await (await learn(rig)).stop();
    await expect(run(rig, { task: 'digits' })).rejects.toMatchObject({
      code: 'not-found',
      message: expect.stringMatching(/no task digits; there are: digit$/),
    });
    await expect(run(rig, { extractor: 'nine.v1' })).rejects.toMatchObject({
      code: 'head-not-ready',
      message: expect.stringMatching(/no labelled example of nine\.v1; it has heads of eight\.v1$/),
    });
  });

  it('needs a labelled example', async () => {
    const rig = await openRig();
    await (await rig.start()).stop();
    await expect(run(rig)).rejects.toMatchObject({ code: 'head-not-ready' });
  });

  it('leaves nothing behind, also when it is ended', async () => {
    const rig = await openRig();
    await (await learn(rig)).stop();
    const stop = new AbortController();
    const ended = run(rig, {
      from: 'vectors',
      signal: stop.signal,
      progress: ({ stage }) =>
        void (stage === 'reading labels and vectors' && stop.abort(new Error('enough'))),
    });
    await expect(ended).rejects.toThrow('enough');
    expect(readdirSync(`${rig.dataDir}/backfill`)).toEqual([]);
  });
});

/** Publishes the newest head as another version of Headwater would have. */
async function publishAsOf(rig: Rig, change: Partial<HeadTrained>): Promise<HeadTrained> {
  const newest = (await rig.heads()).at(-1) as HeadTrained;
  const head = { ...newest, digest: 'ab'.repeat(32), arithmetic: 1, ...change };
  const key = compositeKey(head.extractor, head.task, head.kind, String(head.version));
  await rig.send(rig.names.topics.heads, key, rig.codecs.heads.encode(head));
  return head;
}

describe('a head of another arithmetic', () => {
  it('is not compared, its set is, and publishing makes a new one', async () => {
    const rig = await openRig();
    await (await learn(rig)).stop();
    const former = await publishAsOf(rig, {});
    const report = await run(rig);
    const arithmetic = arithmeticOf('lda');
    expect(report.heads).toMatchObject([
      { outcome: 'other-arithmetic', rebuilt: { arithmetic }, published: { arithmetic: 1 } },
    ]);
    expect(verdictOf(report)).toBe('incomparable');
    const table = { equal: 27, missing: 0, extra: 0, different: 1 };
    expect(verdictOf({ ...report, table })).toBe('unsound');
    const published = await run(rig, { publish: true });
    expect(published.published).toEqual({ lda: former.version + 1 });
    expect(verdictOf(published)).toBe('sound');
    expect((await rig.heads()).at(-1)).toMatchObject({ version: former.version + 1, arithmetic });
    expect((await run(rig)).heads).toMatchObject([{ outcome: 'equal' }]);
  });

  it('is different where its set is', async () => {
    const rig = await openRig();
    await (await learn(rig)).stop();
    await publishAsOf(rig, { setDigest: 'cd'.repeat(32) });
    expect((await run(rig)).heads).toMatchObject([{ outcome: 'different' }]);
    await publishAsOf(rig, { arithmetic: arithmeticOf('lda') });
    expect((await run(rig)).heads).toMatchObject([{ outcome: 'different' }]);
  });

  it('is solved again by a trainer that starts', async () => {
    const rig = await openRig();
    await (await learn(rig)).stop();
    const former = await publishAsOf(rig, {});
    await rig.start();
    await eventually(async () => {
      const newest = (await rig.heads()).at(-1);
      return newest?.version === former.version + 1 && newest.mode === 'settled';
    });
    expect((await run(rig)).heads).toMatchObject([{ outcome: 'equal' }]);
  });
});

describe('publishing what was rebuilt', () => {
  const kinds: HeadKind[] = ['lda', 'ncm'];

  it('is refused while a trainer runs, and for examples that are not those of the topic', async () => {
    const rig = await openRig();
    const service = await learn(rig);
    await expect(run(rig, { publish: true })).rejects.toMatchObject({ code: 'request-invalid' });
    await service.stop();
    const fromVectors = run(rig, { publish: true, from: 'vectors' });
    await expect(fromVectors).rejects.toMatchObject({ code: 'request-invalid' });
  });

  it('adds what is not there, leaves what is, and a trainer goes on from it', async () => {
    const rig = await openRig();
    await (await learn(rig)).stop();
    await sendExample(rig, { ...(await newestExample(rig, 'i7')), label: 'c2' });
    const before = (await rig.heads()).at(-1)?.version ?? 0;
    const report = await run(rig, { publish: true, kinds });
    expect(report.published).toEqual({ lda: before + 1, ncm: 1 });
    expect(verdictOf(report)).toBe('sound');
    expect((await run(rig, { kinds })).heads.map(({ outcome }) => outcome)).toEqual(['equal', 'equal']);
    expect((await run(rig, { publish: true, kinds })).published).toEqual({});
    const catalog = await HeadCatalog.read(rig.dependencies());
    expect(catalog.activation('digit')).toMatchObject({
      kind: 'lda',
      version: before + 1,
      reason: 'champion',
    });
    await rig.start();
    await eventually(async () => {
      const newest = (await rig.heads()).filter(({ kind }) => kind === 'lda').at(-1);
      return newest?.version === before + 1 && newest.setDigest === report.setDigest;
    });
  });
});

it('has the digests that training the set by hand has', async () => {
  const rig = await openRig();
  await learn(rig);
  const set = createLabelledSet({ extractor: 'eight.v1', task: 'digit', dimensions: 8 });
  const newest = new Map<string, Example | null>();
  for (const record of await rig.records(rig.names.topics.examples)) {
    const example = record.value === null ? null : await rig.codecs.examples.decode(record.value);
    newest.set(record.key?.toString() ?? '', example);
  }
  for (const example of newest.values()) {
    if (example !== null && example.label !== null) set.add({ ...example, label: example.label });
  }
  const head = trainHead(set, { kind: 'lda', mode: 'settled', prior: 'uniform' });
  const { digest, setDigest, arithmetic } = head;
  expect((await run(rig)).heads[0]?.rebuilt).toEqual({ digest, setDigest, arithmetic });
});
