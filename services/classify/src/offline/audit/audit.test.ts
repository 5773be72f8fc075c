import { HeadwaterError } from '@headwater/errors';
import type { Log, LogRecord, OutgoingRecord } from '@headwater/log';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { AuditFixture } from '../../testing/audit-fixture.ts';
import { type AuditReport, verdictOf } from './audit.ts';

const open: AuditFixture[] = [];
afterEach(async () => {
  for (const one of open.splice(0)) await one.close();
});

async function install(partitions?: number, extractors?: readonly string[]): Promise<AuditFixture> {
  const installation = await AuditFixture.open(partitions, extractors);
  open.push(installation);
  return installation;
}

type Step =
  | { readonly do: 'send'; readonly image: number; readonly seed: number; readonly label: number | null }
  | { readonly do: 'sendBad'; readonly image: number }
  | { readonly do: 'erase'; readonly image: number }
  | { readonly do: 'label'; readonly image: number; readonly label: number | null }
  | { readonly do: 'serve'; readonly version: number | null }
  | { readonly do: 'ask'; readonly extractor: number }
  | { readonly do: 'extract'; readonly atMost: number }
  | { readonly do: 'join'; readonly atMost: number };

function stepOf<K extends string, T extends object>(kind: K, fields: { [F in keyof T]: fc.Arbitrary<T[F]> }) {
  return fc.record({ do: fc.constant(kind), ...fields }) as unknown as fc.Arbitrary<{ readonly do: K } & T>;
}

const image = fc.nat(5);
const label = fc.option(fc.nat(2));
const atMost = fc.integer({ min: 1, max: 4 });
const version = fc.option(fc.integer({ min: 1, max: 3 }));
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: stepOf('send', { image, seed: fc.nat(50), label }) },
  { weight: 1, arbitrary: fc.oneof(stepOf('sendBad', { image }), stepOf('erase', { image })) },
  { weight: 4, arbitrary: stepOf('label', { image, label }) },
  { weight: 1, arbitrary: stepOf('serve', { version }) },
  { weight: 4, arbitrary: fc.oneof(stepOf('extract', { atMost }), stepOf('join', { atMost })) },
);
const ask: fc.Arbitrary<Step> = stepOf('ask', { extractor: fc.nat(1) });
const lengths = { minLength: 5, maxLength: 40 };
const history = fc.array(step, lengths);
/** Of two extractors whose heads serve alternately. */
const switchingHistory = fc.array(
  fc.oneof({ weight: 8, arbitrary: step }, { weight: 1, arbitrary: ask }),
  lengths,
);

function saidBeforeErasure(label: number | null): Step[] {
  return [
    { do: 'send', image: 4, seed: 1, label: null },
    { do: 'label', image: 4, label },
    { do: 'extract', atMost: 9 },
    { do: 'join', atMost: 9 },
    { do: 'erase', image: 4 },
  ];
}

type Loses = (output: OutgoingRecord) => boolean;

async function take(step: Step, installation: AuditFixture, loses?: Loses): Promise<void> {
  if (step.do === 'extract') return installation.extract(step.atMost, loses);
  if (step.do === 'join') return installation.join(step.atMost, loses);
  if (step.do === 'ask') return installation.ask(installation.extractors[step.extractor] ?? '');
  if (step.do === 'serve') return installation.serve(step.version ?? undefined);
  const imageId = `i${step.image}`;
  if (step.do === 'erase') return installation.sendImage(imageId, null);
  if (step.do === 'sendBad') return installation.sendImage(imageId, { seed: 0, isBad: true });
  if (step.do === 'label')
    return installation.sendLabel(imageId, step.label === null ? null : `c${step.label}`);
  const labels = step.label === null ? {} : { digit: `c${step.label}` };
  return installation.sendImage(imageId, { seed: step.seed, labels });
}

async function live(steps: readonly Step[], loses?: Loses): Promise<AuditFixture> {
  const installation = await install();
  for (const step of steps) await take(step, installation, loses);
  await installation.settle(loses, loses);
  return installation;
}

/** Offsets at a mixture of two moments: topics are read one by one while others are committed. */
function mixed(
  one: ReadonlyMap<string, bigint> = new Map(),
  other: ReadonlyMap<string, bigint> = new Map(),
): ReadonlyMap<string, bigint> {
  return new Map([...one, ...[...other].filter(([key]) => key.length % 2 === 0 || key.endsWith('/1'))]);
}

/** The newest record of each key. */
async function newestByKey(installation: AuditFixture, topic: string): Promise<Map<string, LogRecord>> {
  return new Map((await installation.records(topic)).map((record) => [String(record.key), record]));
}

function found({ first }: AuditReport): string[] {
  return first.map(({ kind, imageId, task }) => [kind, imageId, task ?? ''].join(' ').trim()).sort();
}

/** A topic after compaction: without superseded records and tombstones. */
function compactedLog(installation: AuditFixture, topics: readonly string[]): Partial<Log> {
  return {
    async *read(options) {
      const kept = await newestByKey(installation, options.topic);
      for await (const records of installation.log.read(options)) {
        if (!topics.includes(options.topic)) yield records;
        else
          yield records.filter(
            (one) => kept.get(String(one.key))?.offset === one.offset && one.value !== null,
          );
      }
    },
  };
}

describe('an audit', () => {
  it.each([
    ['one extractor', ['eight.v1'], history],
    ['two extractors that serve alternately', ['eight.v1', 'other.v1'], switchingHistory],
  ])('finds nothing in a healthy installation, at any moment, with %s', async (_, extractors, histories) => {
    await fc.assert(
      fc.asyncProperty(histories, fc.nat(), fc.nat(), async (steps, one, other) => {
        const installation = await install(2, extractors);
        const snapshots = [installation.commits()];
        for (const step of steps) {
          await take(step, installation);
          snapshots.push(installation.commits());
        }
        const commits = mixed(snapshots[one % snapshots.length], snapshots[other % snapshots.length]);
        const report = await installation.audit({ commits });
        expect([found(report), verdictOf(report), report.undecided]).toEqual([[], 'clean', 0]);
        await installation.settle();
        expect(found(await installation.audit())).toEqual([]);
      }),
      { numRuns: 12 },
    );
  });

  it('finds nothing where records were compacted, have expired, or were dropped', async () => {
    await fc.assert(
      fc.asyncProperty(history, fc.nat(), async (steps, size) => {
        const installation = await live(steps);
        const { images, labels, predictions, examples, deadLetters } = installation.names.topics;
        const log = compactedLog(installation, [installation.vectors, examples]);
        for (const topic of [images, labels, predictions, deadLetters(images)]) {
          const ends = await installation.log.admin.offsets(topic);
          const before = new Map(
            ends.map(({ high }, partition) => [partition, BigInt(size % (Number(high) + 1))]),
          );
          await installation.log.admin.deleteRecords(topic, before);
          expect(found(await installation.audit(size % 2 === 0 ? { log } : {}))).toEqual([]);
        }
      }),
      {
        numRuns: 8,
        examples: [
          // Labels from before an erasure do not count, and its tombstone is gone.
          [[...saidBeforeErasure(null), { do: 'send', image: 4, seed: 0, label: 0 }], 0],
          [[...saidBeforeErasure(1), { do: 'send', image: 4, seed: 0, label: 0 }], 0],
        ],
      },
    );
  });

  it('finds a lost record, and a repair restores the installation', async () => {
    const lossOf = fc.constantFrom('vectors' as const, 'predictions' as const, 'examples' as const);
    await fc.assert(
      fc.asyncProperty(history, lossOf, fc.nat(), async (steps, of, choice) => {
        const written: OutgoingRecord[] = [];
        const undisturbed = await live(steps, (output) => void written.push(output) as never);
        const topic = of === 'vectors' ? undisturbed.vectors : undisturbed.names.topics[of];
        const candidates = written.filter((output) => output.topic === topic);
        fc.pre(candidates.length > 0);
        const loss = loseOne(topic, choice % candidates.length);
        const disturbed = await live(steps, loss.loses);
        const expected = await expectedFinding(undisturbed, disturbed, loss.lost());
        expect(found(await disturbed.audit())).toEqual(expected.finding);

        const repair = { repair: disturbed.reprocess };
        if (expected.needsHead) {
          await expect(disturbed.audit(repair)).rejects.toMatchObject({ code: 'head-not-ready' });
          return;
        }
        const repaired = await disturbed.audit(repair);
        expect(verdictOf(repaired)).toBe(expected.finding.length === 0 ? 'clean' : 'repaired');
        expect(Object.values(repaired.repaired ?? {}).reduce((a, b) => a + b)).toBe(repaired.total);
        await disturbed.settle();
        if (expected.isRepairable) expect(await disturbed.examples()).toEqual(await undisturbed.examples());
        const ends = await endsOf(disturbed);
        expect(verdictOf(await disturbed.audit(repair))).toBe('clean');
        expect(await endsOf(disturbed)).toEqual(ends);
        const answers = await answersOf(disturbed);
        expect(new Set(answers).size).toBe(answers.length);
      }),
      { numRuns: 10 },
    );
  });

  it('counts unlisted findings, and names the partitions that it could not judge', async () => {
    const installation = await install(1);
    for (let at = 0; at < 5; at++) await installation.sendImage(`i${at}`, { seed: at });
    expect(await installation.audit()).toMatchObject({
      total: 0,
      images: 0,
      unjudged: ['images-0 (headwater.extract.eight.v1)'],
    });
    await installation.settle(() => true);
    const report = await installation.audit({ listed: 2 });
    expect(report).toMatchObject({ total: 5, images: 5, unjudged: [], repaired: null });
    expect(report.first.map(({ place }) => place)).toHaveLength(2);
    expect(verdictOf(report)).toBe('incomplete');
  });

  it('leaves an image undecided whose dead letter may have been dropped, and a repair decides it', async () => {
    const installation = await install(1);
    const { images, deadLetters } = installation.names.topics;
    await installation.sendImage('bad', { seed: 1, isBad: true });
    await installation.sendImage('lost', { seed: 2 });
    await installation.settle((output) => output.key === 'lost');
    await installation.log.admin.deleteRecords(deadLetters(images), new Map([[0, 1n]]));
    expect(await installation.audit()).toMatchObject({ total: 0, undecided: 2 });
    await installation.audit({ repair: installation.reprocess });
    expect((await installation.records(installation.vectors)).map(({ key }) => String(key))).toEqual([
      'lost',
    ]);
    expect(await installation.records(deadLetters(images))).toEqual([]);
    expect(await installation.audit()).toMatchObject({ total: 0, undecided: 1 });
  });

  it('writes a lost dead letter again', async () => {
    const installation = await install(1);
    const { images, deadLetters } = installation.names.topics;
    await installation.sendImage('bad', { seed: 1, isBad: true });
    await installation.settle(() => true);
    expect(found(await installation.audit({ repair: installation.reprocess }))).toEqual([
      'vector-missing bad',
    ]);
    expect((await installation.records(deadLetters(images))).map(({ key }) => String(key))).toEqual(['bad']);
    expect(verdictOf(await installation.audit())).toBe('clean');
  });
});

describe('a repair', () => {
  async function withHoles(): Promise<AuditFixture> {
    const installation = await install();
    for (let at = 0; at < 12; at++) {
      await installation.sendImage(`i${at}`, { seed: at });
      await installation.sendLabel(`i${at}`, `c${at % 3}`);
    }
    const { topics } = installation.names;
    await installation.settle(
      ({ key }) => key === 'i3' || key === 'i8',
      ({ topic, key }) =>
        (topic === topics.examples && String(key).endsWith('i5')) ||
        (topic === topics.predictions && key === 'i11'),
    );
    return installation;
  }

  it('continues the trace of the image', async () => {
    const installation = await install();
    const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
    await installation.sendImage('i0', { seed: 0 }, { traceparent });
    await installation.sendImage('i1', { seed: 1 });
    const { predictions } = installation.names.topics;
    const tracesIn = async (topic: string) =>
      (await installation.records(topic))
        .filter(({ key }) => String(key) === 'i0')
        .map(({ headers }) => String(headers.traceparent));
    await installation.settle(({ key }) => key === 'i0');
    await installation.audit({ repair: installation.reprocess });
    expect(await tracesIn(installation.vectors)).toEqual([traceparent]);
    await installation.settle(undefined, ({ topic, key }) => topic === predictions && key === 'i0');
    await installation.audit({ repair: installation.reprocess });
    expect(await tracesIn(predictions)).toEqual([traceparent]);
  });

  it('is rejected while services run', async () => {
    const installation = await withHoles();
    const ends = await endsOf(installation);
    const refused = installation.audit({ repair: installation.reprocess, members: 1 });
    await expect(refused).rejects.toMatchObject({
      code: 'request-invalid',
      message: expect.stringContaining('stop extract'),
    });
    expect(await endsOf(installation)).toEqual(ends);
  });

  it.each(['written', 'not written'])(
    'writes each record once where a commit has an unknown outcome and was %s',
    async (outcome) => {
      const installation = await withHoles();
      let failures = 0;
      const openTransactions: Log['openTransactions'] = async (id) => {
        const transactions = await installation.log.openTransactions(id);
        const commit: typeof transactions.commit = async (records) => {
          const fails = failures++ % 2 === 0;
          if (!fails || outcome === 'written') await transactions.commit(records);
          if (fails) throw new HeadwaterError('log-commit-unknown', 'no answer');
        };
        return { ...transactions, commit };
      };
      const report = await installation.audit({
        repair: installation.reprocess,
        log: { openTransactions },
      });
      expect([report.total, verdictOf(report)]).toEqual([4, 'repaired']);
      expect(failures).toBeGreaterThan(1);
      await expectMended(installation);
    },
  );

  it('resumes after a kill, and cannot write a record that another repair has written', async () => {
    const installation = await withHoles();
    const dies: Log['openTransactions'] = async (id) => {
      const transactions = await installation.log.openTransactions(id);
      const commit: typeof transactions.commit = async (records) => {
        await transactions.commit(records);
        throw new Error('killed');
      };
      return { ...transactions, commit };
    };
    const repair = installation.reprocess;
    await expect(installation.audit({ repair, log: { openTransactions: dies } })).rejects.toThrow('killed');
    // Another repair runs between this one's read and its first commit.
    let overtaken = false;
    const overtakes: Log['openTransactions'] = async (id) => {
      const transactions = await installation.log.openTransactions(id);
      const commit: typeof transactions.commit = async (records) => {
        if (!overtaken) {
          overtaken = true;
          expect(verdictOf(await installation.audit({ repair }))).toBe('repaired');
        }
        await transactions.commit(records);
      };
      return { ...transactions, commit };
    };
    const fenced = installation.audit({ repair, log: { openTransactions: overtakes } });
    await expect(fenced).rejects.toMatchObject({ code: 'log-fenced' });
    await expectMended(installation);
  });

  async function expectMended(installation: AuditFixture): Promise<void> {
    await installation.settle();
    expect(verdictOf(await installation.audit())).toBe('clean');
    const vectors = await installation.records(installation.vectors);
    expect(vectors.map(({ key }) => String(key)).sort()).toEqual(
      Array.from({ length: 12 }, (_, at) => `i${at}`).sort(),
    );
    const answers = await answersOf(installation);
    expect([answers.length, new Set(answers).size]).toEqual([12, 12]);
    expect((await installation.examples()).size).toBe(12);
  }
});

/** The ends of all topics that a repair may write to. */
async function endsOf(installation: AuditFixture): Promise<unknown> {
  const { topics } = installation.names;
  const written = [
    installation.vectors,
    topics.predictions,
    topics.examples,
    topics.deadLetters(topics.images),
  ];
  return Promise.all(written.map((topic) => installation.log.admin.offsets(topic)));
}

/** The predictions by vector and task. */
async function answersOf(installation: AuditFixture): Promise<string[]> {
  const predictions = await installation.predictions();
  return predictions.map(({ source, task }) => `${source?.partition}/${source?.offset} ${task}`);
}

/** Loses one output of a topic, by index in the order of writes. */
function loseOne(topic: string, index: number) {
  let seen = 0;
  let lost: OutgoingRecord | undefined;
  return {
    loses: (output: OutgoingRecord) => {
      if (output.topic !== topic || seen++ !== index) return false;
      lost = output;
      return true;
    },
    lost: () => lost as OutgoingRecord,
  };
}

interface Expected {
  readonly finding: string[];
  /** Whether a repair can restore the lost record. */
  readonly isRepairable: boolean;
  /** The audit needs this head, of which only the activation exists here. */
  readonly needsHead?: boolean;
}

/** The finding that follows from the topics alone for a lost record. */
async function expectedFinding(
  undisturbed: AuditFixture,
  disturbed: AuditFixture,
  lost: OutgoingRecord,
): Promise<Expected> {
  if (lost.topic === disturbed.vectors) return expectedOfVector(disturbed, lost);
  if (lost.topic === disturbed.names.topics.predictions) return expectedOfPrediction(disturbed, lost);
  const [before, after] = [await undisturbed.examples(), await disturbed.examples()];
  const key = String(lost.key);
  if (before.get(key) === after.get(key)) return { finding: [], isRepairable: true };
  const remaining = JSON.parse(after.get(key) ?? '{}') as { readonly assignedAt?: number };
  const assignedAt = await disturbed.assignedAtOf(lost);
  // The remaining one has a newer label and may be right.
  if ((remaining.assignedAt ?? 0) > assignedAt) return { finding: [], isRepairable: false };
  const [, task = '', imageId = ''] = key.split('/');
  const vector = (await newestByKey(disturbed, disturbed.vectors)).get(imageId);
  const outdated = (vector?.value ?? null) === null ? 'unfounded' : 'outdated';
  // Under the key of a retraction, the remaining record is an older one.
  const isThere = (await newestByKey(disturbed, lost.topic)).get(key)?.value != null;
  const kind = isThere || after.has(key) ? outdated : 'missing';
  return { finding: [`example-${kind} ${imageId} ${task}`], isRepairable: true };
}

async function expectedOfVector(disturbed: AuditFixture, lost: OutgoingRecord): Promise<Expected> {
  const imageId = String(lost.key);
  const newest = (await newestByKey(disturbed, disturbed.names.topics.images)).get(imageId);
  if (newest?.offset !== lost.cause?.offset) return { finding: [], isRepairable: false };
  if (lost.value !== null) return { finding: [`vector-missing ${imageId}`], isRepairable: true };
  const vector = (await newestByKey(disturbed, disturbed.vectors)).get(imageId);
  const isThere = (vector?.value ?? null) !== null;
  return { finding: isThere ? [`erasure-missing ${imageId}`] : [], isRepairable: true };
}

/** Only the first prediction of a partition shows when its task began to be predicted. */
async function expectedOfPrediction(disturbed: AuditFixture, lost: OutgoingRecord): Promise<Expected> {
  const { partition, offset = 0n } = lost.cause ?? {};
  const task = await disturbed.taskOf(lost);
  const others = (await disturbed.predictions()).filter((one) => one.task === task);
  const earlier = others.filter(
    ({ source }) => source?.partition === partition && (source?.offset ?? 0n) < offset,
  );
  const later = others.filter(
    ({ source }) => source?.partition === partition && (source?.offset ?? 0n) > offset,
  );
  const next = later.length === 0 ? disturbed.serving : later[0]?.version;
  const isOwed = earlier.length > 0 && (task === 'digit' || next === earlier.at(-1)?.version);
  const needsHead = isOwed && task !== 'digit' && disturbed.serving !== undefined;
  return { finding: isOwed ? [`prediction-missing ${lost.key} ${task}`] : [], isRepairable: true, needsHead };
}
