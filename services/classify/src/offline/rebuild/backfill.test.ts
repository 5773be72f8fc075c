import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { arithmeticOf, createTrainingSet, type HeadKind, trainHead } from '@headwater/heads';
import { createMemoryLog, partitionFor } from '@headwater/log';
import { compositeKey, type Example, type HeadTrained } from '@headwater/schemas';
import { loadConfig, type Service } from '@headwater/service-kit';
import { afterEach, describe, expect, it } from 'vitest';
import { type ClassifyConfig, classifyEnvironment } from '../../environment.ts';
import { HeadCatalog } from '../../model-registry/head-catalog.ts';
import { ClassifyFixture, dayOne, eventually, vectorOf } from '../../testing/classify-fixture.ts';
import { type BackfillOptions, type BackfillReport, backfill, verdictOf } from './backfill.ts';
import type { TableComparison } from './table-comparison.ts';

const fixtures: ClassifyFixture[] = [];
afterEach(async () => {
  for (const fixture of fixtures.splice(0)) await fixture.close();
});

async function openFixture(): Promise<ClassifyFixture> {
  const fixture = await ClassifyFixture.open({ log: createMemoryLog() });
  fixtures.push(fixture);
  return fixture;
}

/** Thirty images of three classes, some of them corrected, retracted or erased, and a settled head. */
async function learn(fixture: ClassifyFixture): Promise<Service> {
  const service = await fixture.start();
  for (let image = 0; image < 30; image++) {
    await fixture.sendVector(`i${image}`, vectorOf(image % 3, image), {
      group: image % 4 === 0 ? 'scene' : null,
    });
    await fixture.sendLabel(`i${image}`, `c${image % 3}`, { assignedAt: dayOne + 2_000 + image });
  }
  await fixture.sendLabel('i3', 'c1', { assignedAt: dayOne + 5_000 });
  await fixture.sendLabel('i4', null, { assignedAt: dayOne + 5_000 });
  await fixture.settled(29);
  await fixture.erase('i5');
  await fixture.settled(28);
  return service;
}

function configOf(fixture: ClassifyFixture): ClassifyConfig {
  return loadConfig(classifyEnvironment, {
    EXTRACTORS: fixture.extractors.join(),
    DATA_DIR: fixture.dataDir,
  });
}

function run(fixture: ClassifyFixture, options: Partial<BackfillOptions> = {}): Promise<BackfillReport> {
  const clients = fixture.dependencies();
  const defaults = { task: 'digit', from: 'examples', workers: 2, publish: false } as const;
  return backfill({ clients, config: configOf(fixture), ...defaults, ...options });
}

/** Pins a head. */
async function activate(fixture: ClassifyFixture, kind: HeadKind): Promise<void> {
  const head = (await fixture.heads()).findLast((one) => one.kind === kind);
  if (head === undefined) throw new Error('there is no such head');
  const { extractor, task, version } = head;
  const activated = { extractor, task, kind, version, reason: 'pinned', activatedAt: 1 } as const;
  await fixture.send(fixture.names.topics.serving, task, fixture.codecs.serving.encode(activated));
}

async function newestExample(fixture: ClassifyFixture, imageId: string): Promise<Example> {
  const all = await fixture.decoded(fixture.names.topics.examples, fixture.codecs.examples);
  return all.filter((example) => example.imageId === imageId).at(-1) as Example;
}

async function sendExample(fixture: ClassifyFixture, example: Example, value?: null): Promise<void> {
  const key = compositeKey(example.extractor, example.task, example.imageId);
  const bytes = value === null ? null : fixture.codecs.examples.encode(example);
  await fixture.send(fixture.names.topics.examples, key, bytes, partitionFor('digit', 3));
}

/** Publishes the newest head again with the end of the topic as its watermark. */
async function pretendToHaveLearned(fixture: ClassifyFixture): Promise<void> {
  const { heads, examples } = fixture.names.topics;
  const newest = (await fixture.heads()).at(-1);
  const end = (await fixture.log.admin.offsets(examples))[partitionFor('digit', 3)]?.high ?? 0n;
  if (newest === undefined) throw new Error('there is no head');
  const key = compositeKey(newest.extractor, newest.task, newest.kind, String(newest.version));
  await fixture.send(heads, key, fixture.codecs.heads.encode({ ...newest, watermark: Number(end) }));
}

describe('a backfill', () => {
  it('reproduces the head of the trainer, with any number of threads', async () => {
    const fixture = await openFixture();
    await learn(fixture);
    for (const workers of [1, 3]) {
      const report = await run(fixture, { workers });
      expect(report).toMatchObject({ examples: 28, classes: 3, dimensions: 8, unreadable: 0, table: null });
      expect(report.heads).toMatchObject([{ kind: 'lda', outcome: 'equal' }]);
      expect(report.heads[0]?.rebuilt.digest).toBe((await fixture.settled(28)).digest);
      expect(verdictOf(report)).toBe('sound');
    }
  });

  it('makes the same examples from vectors and labels', async () => {
    const fixture = await openFixture();
    await learn(fixture);
    const report = await run(fixture, { from: 'vectors' });
    expect(report.table).toEqual({ equal: 28, missing: 0, extra: 0, different: 0 });
    expect(report.heads).toMatchObject([{ outcome: 'equal' }]);
    expect(report.setDigest).toBe((await run(fixture)).setDigest);
  });

  it('detects an altered, added or lost example', async () => {
    const fixture = await openFixture();
    await (await learn(fixture)).stop();
    const original = await newestExample(fixture, 'i7');
    const tampered: [Partial<Example>, keyof TableComparison, null?][] = [
      [{ label: 'c2' }, 'different'],
      [{ vector: new Int16Array(8).fill(100) }, 'different'],
      [{ group: 'another' }, 'different'],
      [{ imageId: 'i99' }, 'extra'],
      [{}, 'missing', null],
    ];
    for (const [change, seenAs, value] of tampered) {
      const example = { ...original, ...change };
      await sendExample(fixture, example, value);
      expect((await run(fixture, { workers: 1 })).heads).toMatchObject([{ outcome: 'behind' }]);
      await pretendToHaveLearned(fixture);
      const report = await run(fixture, { workers: 1 });
      expect(report.heads).toMatchObject([{ outcome: 'different' }]);
      expect(verdictOf(report)).not.toBe('sound');
      const untouched = await run(fixture, { from: 'vectors', workers: 1 });
      const none = { missing: 0, extra: 0, different: 0 };
      expect(untouched.table).toMatchObject({ ...none, [seenAs]: 1 });
      expect(untouched.heads).toMatchObject([{ outcome: 'equal' }]);
      expect(verdictOf(untouched)).not.toBe('sound');
      if (change.imageId !== undefined) await sendExample(fixture, example, null);
      await sendExample(fixture, original);
    }
  });

  it('reads only one task and one extractor', async () => {
    const fixture = await openFixture();
    const service = await learn(fixture);
    await fixture.sendLabel('i1', 'blue', { task: 'colour' });
    await fixture.sendLabel('i2', 'red', { task: 'colour' });
    await fixture.settled(2, 'colour');
    await service.stop();
    const report = await run(fixture, { task: 'colour', from: 'vectors' });
    expect(report).toMatchObject({ examples: 2, table: { equal: 2, missing: 0, extra: 0, different: 0 } });
    expect(report.heads).toMatchObject([{ outcome: 'equal' }]);
    expect((await run(fixture)).heads).toMatchObject([{ outcome: 'equal' }]);
  });

  it.each(['12', '9ms', '1h'])('uses the window of the trainer: %s', async (WINDOW) => {
    const fixture = await openFixture();
    const service = await fixture.start({ WINDOW });
    for (let image = 0; image < 30; image++) {
      await fixture.sendVector(`i${image}`, vectorOf(image % 3, image));
      await fixture.sendLabel(`i${image}`, `c${image % 3}`, {
        assignedAt: dayOne + 2_000 + ((image * 7) % 30),
      });
    }
    const inside = WINDOW === '12' ? 12 : WINDOW === '9ms' ? 9 : 30;
    await fixture.settled(inside);
    await service.stop();
    const config = loadConfig(classifyEnvironment, {
      EXTRACTORS: fixture.extractors.join(),
      DATA_DIR: fixture.dataDir,
      WINDOW,
    });
    const report = await run(fixture, { config, from: 'vectors' });
    expect(report).toMatchObject({
      examples: inside,
      table: { equal: 30, missing: 0, extra: 0, different: 0 },
    });
    expect(report.heads).toMatchObject([{ outcome: 'equal' }]);
    expect((await run(fixture, { config })).heads).toMatchObject([{ outcome: 'equal' }]);
  });

  it('uses the feature expansion, prior and window of the trainer', async () => {
    const fixture = await openFixture();
    const environment = { LIFT: '16', PRIOR: 'empirical', WINDOW: '20', HEADS: 'lda,ridge,softmax' };
    const service = await fixture.start(environment);
    for (let image = 0; image < 30; image++) {
      await fixture.sendVector(`i${image}`, vectorOf(image % 3, image));
      await fixture.sendLabel(`i${image}`, `c${image % 2}`, { assignedAt: dayOne + 2_000 + image });
    }
    await fixture.settled(20);
    await eventually(async () => {
      const settled = (await fixture.heads()).filter(
        ({ mode, examples }) => mode === 'settled' && examples === 20,
      );
      return ['ridge', 'softmax'].every((kind) => settled.some((head) => head.kind === kind));
    });
    await service.stop();
    await activate(fixture, 'lda');
    const own = { EXTRACTORS: fixture.extractors.join(), DATA_DIR: fixture.dataDir };
    const config = loadConfig(classifyEnvironment, { ...own, ...environment });
    const report = await run(fixture, { config });
    expect(report.heads).toMatchObject([
      { kind: 'lda', outcome: 'equal' },
      { kind: 'ridge', outcome: 'equal' },
      { kind: 'softmax', outcome: 'equal' },
    ]);
    expect(report.passedOver).toEqual([]);
    const { HEADS, WINDOW } = environment;
    const plain = await run(fixture, { config: loadConfig(classifyEnvironment, { ...own, HEADS, WINDOW }) });
    expect(plain.setDigest).toBe(report.setDigest);
    expect(plain.heads.map(({ outcome }) => outcome)).toEqual(['different', 'different', 'different']);
    const fewer = await run(fixture, {
      config: loadConfig(classifyEnvironment, { ...own, ...environment, HEADS: 'ridge,knn' }),
    });
    expect(fewer.heads).toMatchObject([
      { kind: 'lda', outcome: 'equal' },
      { kind: 'ridge', outcome: 'equal' },
    ]);
    expect(fewer).toMatchObject({ passedOver: ['softmax'], serving: 'lda' });
    await activate(fixture, 'ridge');
    const served = await run(fixture, {
      config: loadConfig(classifyEnvironment, { ...own, ...environment, HEADS: 'lda' }),
    });
    expect(served.heads).toMatchObject([{ kind: 'lda' }, { kind: 'ridge' }]);
    expect(verdictOf(served)).toBe('sound');
    const named = await run(fixture, { config, kinds: ['lda'] });
    expect(verdictOf(named)).toBe('sound');
    expect(verdictOf({ ...named, kindsNamed: false })).toBe('incomparable');
    const none = await run(fixture, {
      config: loadConfig(classifyEnvironment, { ...own, ...environment, HEADS: 'knn' }),
    });
    expect(none.heads.map(({ kind }) => kind)).toEqual(['lda', 'ridge', 'softmax']);
  });

  it('uses the settings of single tasks, and other settings after a restart', async () => {
    const fixture = await openFixture();
    const path = join(fixture.dataDir, 'tasks.yaml');
    const environment = { TASK_SETTINGS: path, WINDOW: '17' };
    const tasks = {
      digit: { window: 12, heads: ['lda', 'ridge'], prior: 'empirical' },
      colour: { window: 'none', lift: 16 },
    };
    writeFileSync(path, JSON.stringify({ tasks }));
    const service = await fixture.start({ ...environment, TASKS: 'digit,colour,shape' });
    for (let image = 0; image < 20; image++) {
      await fixture.sendVector(`i${image}`, vectorOf(image % 3, image));
      for (const task of ['digit', 'colour', 'shape']) {
        await fixture.sendLabel(`i${image}`, `c${Math.min(image % 3, 1)}`, {
          task,
          assignedAt: dayOne + 2_000 + image,
        });
      }
    }
    const ofRidge = () =>
      eventually(async () =>
        (await fixture.heads()).some(
          ({ kind, mode, examples }) => kind === 'ridge' && mode === 'settled' && examples === 12,
        ),
      );
    await Promise.all([
      fixture.settled(12),
      fixture.settled(20, 'colour'),
      fixture.settled(17, 'shape'),
      ofRidge(),
    ]);
    const told = await fixture.api<{ settings: object }>(service, '/v1/tasks/digit');
    expect(told.body.settings).toMatchObject({
      ...{ heads: ['lda', 'ridge'], window: { newest: 12 }, lift: null },
      ...{ maxErrorRate: null, costs: null },
    });
    const own = { EXTRACTORS: fixture.extractors.join(), DATA_DIR: fixture.dataDir };
    const outcomes = async (task: string, variables: Record<string, string>) => {
      const config = loadConfig(classifyEnvironment, { ...own, ...variables });
      return (await run(fixture, { task, config })).heads.map(({ kind, outcome }) => `${kind} ${outcome}`);
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
    await fixture.start(environment);
    await fixture.settled(9);
    expect(await outcomes('digit', environment)).toEqual(['lda equal']);
  });

  it('reports more examples than a set may have', async () => {
    const fixture = await openFixture();
    await (await learn(fixture)).stop();
    const own = { EXTRACTORS: fixture.extractors.join(), DATA_DIR: fixture.dataDir };
    const config = loadConfig(classifyEnvironment, { ...own, MAX_EXAMPLES: '27' });
    await expect(run(fixture, { config })).rejects.toMatchObject({ code: 'statistics-overflow' });
    const enough = loadConfig(classifyEnvironment, { ...own, MAX_EXAMPLES: '28' });
    expect((await run(fixture, { config: enough })).heads).toMatchObject([{ outcome: 'equal' }]);
  });

  it('counts unreadable records, and skips them as the trainer does', async () => {
    const fixture = await openFixture();
    await (await learn(fixture)).stop();
    const key = compositeKey('eight.v1', 'digit', 'i7');
    await fixture.send(fixture.names.topics.examples, key, Buffer.from('rubbish'), partitionFor('digit', 3));
    const report = await run(fixture);
    expect(report).toMatchObject({ examples: 28, unreadable: 1 });
  });

  it('lists the existing tasks and extractors where nothing is found', async () => {
    const fixture = await openFixture();
    await (await learn(fixture)).stop();
    await expect(run(fixture, { task: 'digits' })).rejects.toMatchObject({
      code: 'not-found',
      message: expect.stringMatching(/no task digits; existing tasks: digit$/),
    });
    await expect(run(fixture, { extractor: 'nine.v1' })).rejects.toMatchObject({
      code: 'head-not-ready',
      message: expect.stringMatching(/no labelled example of nine\.v1; it has heads of eight\.v1$/),
    });
  });

  it('needs a labelled example', async () => {
    const fixture = await openFixture();
    await (await fixture.start()).stop();
    await expect(run(fixture)).rejects.toMatchObject({ code: 'head-not-ready' });
  });

  it('leaves no temporary files, also when it is stopped', async () => {
    const fixture = await openFixture();
    await (await learn(fixture)).stop();
    const stop = new AbortController();
    const ended = run(fixture, {
      from: 'vectors',
      signal: stop.signal,
      progress: ({ stage }) =>
        void (stage === 'reading labels and vectors' && stop.abort(new Error('enough'))),
    });
    await expect(ended).rejects.toThrow('enough');
    expect(readdirSync(`${fixture.dataDir}/backfill`)).toEqual([]);
  });
});

/** Publishes the newest head as another version of Headwater would. */
async function publishAsOf(fixture: ClassifyFixture, change: Partial<HeadTrained>): Promise<HeadTrained> {
  const newest = (await fixture.heads()).at(-1) as HeadTrained;
  const head = { ...newest, digest: 'ab'.repeat(32), arithmetic: 1, ...change };
  const key = compositeKey(head.extractor, head.task, head.kind, String(head.version));
  await fixture.send(fixture.names.topics.heads, key, fixture.codecs.heads.encode(head));
  return head;
}

describe('a head of another arithmetic', () => {
  it('is not compared, but its set is, and publishing makes a new one', async () => {
    const fixture = await openFixture();
    await (await learn(fixture)).stop();
    const former = await publishAsOf(fixture, {});
    const report = await run(fixture);
    const arithmetic = arithmeticOf('lda');
    expect(report.heads).toMatchObject([
      { outcome: 'other-arithmetic', rebuilt: { arithmetic }, published: { arithmetic: 1 } },
    ]);
    expect(verdictOf(report)).toBe('incomparable');
    const table = { equal: 27, missing: 0, extra: 0, different: 1 };
    expect(verdictOf({ ...report, table })).toBe('unsound');
    const published = await run(fixture, { publish: true });
    expect(published.published).toEqual({ lda: former.version + 1 });
    expect(verdictOf(published)).toBe('sound');
    expect((await fixture.heads()).at(-1)).toMatchObject({ version: former.version + 1, arithmetic });
    expect((await run(fixture)).heads).toMatchObject([{ outcome: 'equal' }]);
  });

  it('is different where its set is', async () => {
    const fixture = await openFixture();
    await (await learn(fixture)).stop();
    await publishAsOf(fixture, { setDigest: 'cd'.repeat(32) });
    expect((await run(fixture)).heads).toMatchObject([{ outcome: 'different' }]);
    await publishAsOf(fixture, { arithmetic: arithmeticOf('lda') });
    expect((await run(fixture)).heads).toMatchObject([{ outcome: 'different' }]);
  });

  it('is solved again by a trainer at its start', async () => {
    const fixture = await openFixture();
    await (await learn(fixture)).stop();
    const former = await publishAsOf(fixture, {});
    await fixture.start();
    await eventually(async () => {
      const newest = (await fixture.heads()).at(-1);
      return newest?.version === former.version + 1 && newest.mode === 'settled';
    });
    expect((await run(fixture)).heads).toMatchObject([{ outcome: 'equal' }]);
  });
});

describe('publishing rebuilt heads', () => {
  const kinds: HeadKind[] = ['lda', 'ncm'];

  it('is rejected while a trainer runs, and for examples that differ from the topic', async () => {
    const fixture = await openFixture();
    const service = await learn(fixture);
    await expect(run(fixture, { publish: true })).rejects.toMatchObject({ code: 'request-invalid' });
    await service.stop();
    const fromVectors = run(fixture, { publish: true, from: 'vectors' });
    await expect(fromVectors).rejects.toMatchObject({ code: 'request-invalid' });
  });

  it('adds missing heads, keeps the others, and a trainer continues from them', async () => {
    const fixture = await openFixture();
    await (await learn(fixture)).stop();
    await sendExample(fixture, { ...(await newestExample(fixture, 'i7')), label: 'c2' });
    const before = (await fixture.heads()).at(-1)?.version ?? 0;
    const report = await run(fixture, { publish: true, kinds });
    expect(report.published).toEqual({ lda: before + 1, ncm: 1 });
    expect(verdictOf(report)).toBe('sound');
    expect((await run(fixture, { kinds })).heads.map(({ outcome }) => outcome)).toEqual(['equal', 'equal']);
    expect((await run(fixture, { publish: true, kinds })).published).toEqual({});
    const catalog = await HeadCatalog.read(fixture.dependencies());
    expect(catalog.activation('digit')).toMatchObject({
      kind: 'lda',
      version: before + 1,
      reason: 'champion',
    });
    await fixture.start();
    await eventually(async () => {
      const newest = (await fixture.heads()).filter(({ kind }) => kind === 'lda').at(-1);
      return newest?.version === before + 1 && newest.setDigest === report.setDigest;
    });
  });
});

it('gives the digests of a set that is trained directly', async () => {
  const fixture = await openFixture();
  await learn(fixture);
  const set = createTrainingSet({ extractor: 'eight.v1', task: 'digit', dimensions: 8 });
  const newest = new Map<string, Example | null>();
  for (const record of await fixture.records(fixture.names.topics.examples)) {
    const example = record.value === null ? null : await fixture.codecs.examples.decode(record.value);
    newest.set(record.key?.toString() ?? '', example);
  }
  for (const example of newest.values()) {
    if (example !== null && example.label !== null) set.add({ ...example, label: example.label });
  }
  const head = trainHead(set, { kind: 'lda', mode: 'settled', prior: 'uniform' });
  const { digest, setDigest, arithmetic } = head;
  expect((await run(fixture)).heads[0]?.rebuilt).toEqual({ digest, setDigest, arithmetic });
});
