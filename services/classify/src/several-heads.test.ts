/** Several kinds of heads of one task, from labels to predictions: who serves, by scores or because somebody says so. */
import { createMemoryLog } from '@headwater/log';
import type { ImageClassified } from '@headwater/schemas';
import type { Service } from '@headwater/service-kit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { HeadView, TaskSummary, TaskView } from './api/task-views.ts';
import { ClassifyFixture, dimensions, eventually } from './testing/classify-fixture.ts';

const kinds = ['ncm', 'lda', 'ridge'] as const;
type Kind = (typeof kinds)[number];

let fixture: ClassifyFixture;
let service: Service;
let images = 0;
let seed = 1;

/** A small linear congruential generator: tests must not change from run to run. */
function random(): number {
  seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
  return seed / 2 ** 32;
}

/** What tells classes apart is small beside what all of them share: means alone are not enough to see it. */
function stretched(kind: number): number[] {
  const shared = 4 * (random() - 0.5);
  return Array.from({ length: dimensions }, (_, j) => {
    const own = j === kind ? 0.5 : 0;
    return (
      own +
      (j < 3 ? 0.35 : 0.1) * (random() + random() - 1) +
      (j === 6 || j === 7 ? shared : 0) +
      (j === 5 ? 1 : 0)
    );
  });
}

async function label(count: number): Promise<void> {
  for (const end = images + count; images < end; images++) {
    await fixture.sendVector(`i${images}`, stretched(images % 3));
    await fixture.sendLabel(`i${images}`, `c${images % 3}`);
  }
}

/** Every kind has a settled head of all labels. */
function allSettled(): Promise<true> {
  return eventually(async () => {
    const heads = await fixture.heads();
    return kinds.every((kind) => {
      const own = heads.filter((head) => head.kind === kind).at(-1);
      return own?.mode === 'settled' && own.examples === images;
    });
  });
}

async function task(): Promise<TaskView> {
  return (await fixture.api<TaskView>(service, '/v1/tasks/digit')).body;
}

function served(fits: (head: HeadView) => boolean): Promise<HeadView> {
  return eventually(async () => {
    const { head } = await task();
    return head !== null && fits(head) && head;
  });
}

let asked = 0;
/** The head that answers an image which nobody labels. */
async function headOfNextPrediction(): Promise<ImageClassified['head']> {
  const imageId = `asked${asked++}`;
  await fixture.sendVector(imageId, stretched(asked % 3));
  const found = await eventually(async () =>
    (await fixture.predictions()).find((one) => one.imageId === imageId),
  );
  return found.head;
}

function activate(kind: Kind, version: number) {
  const path = `/v1/tasks/digit/heads/${version}/activate?kind=${kind}`;
  return fixture.api<TaskView>(service, path, { method: 'POST' });
}

async function versions(kind: Kind): Promise<number[]> {
  const { body } = await fixture.api<{ heads: HeadView[] }>(service, '/v1/tasks/digit/heads');
  return body.heads.filter((head) => head.kind === kind).map(({ version }) => version);
}

beforeAll(async () => {
  fixture = await ClassifyFixture.open({ log: createMemoryLog() });
  service = await fixture.start({ HEADS: kinds.join() });
});
afterAll(() => fixture.close());

describe('heads that learn side by side', () => {
  it('the preferred kind serves while nothing is proven', async () => {
    await label(60);
    await allSettled();
    expect(await served(({ kind }) => kind === 'ncm')).toMatchObject({ pinned: false });
    expect(await headOfNextPrediction()).toMatchObject({ kind: 'ncm' });
  });

  it('a challenger with better prequential scores becomes champion, and predictions name it', async () => {
    await label(260);
    await allSettled();
    const champion = await served(({ kind }) => kind !== 'ncm');
    const { body } = await fixture.api<{
      series: { kind: Kind; prequential: Record<string, number>; version: number }[];
    }>(service, '/v1/tasks/digit/measurements');
    const lossOf = (kind: Kind) =>
      body.series.find((line) => line.kind === kind)?.prequential.prequentialLogLossRecent ?? Number.NaN;
    expect(body.series.map(({ kind }) => kind).sort()).toEqual([...kinds].sort());
    expect(lossOf(champion.kind as Kind)).toBeLessThan(0.95 * lossOf('ncm'));
    const { kind, version, digest } = await served((head) => head.mode === 'settled');
    expect(await headOfNextPrediction()).toEqual({ kind, version, digest });
    const activations = await fixture.decoded(fixture.names.topics.serving, fixture.codecs.serving);
    expect(new Set(activations.map(({ reason }) => reason))).toEqual(new Set(['champion']));
  });

  it('publishes the answers of each class once, and only for a single task', async () => {
    const ofClasses = (numbers: object = {}) => Object.keys(numbers).filter((name) => name.includes('/'));
    const one = await task();
    const { body: head } = await fixture.api<HeadView>(service, '/v1/tasks/digit/head');
    const { body: list } = await fixture.api<{ tasks: TaskSummary[] }>(service, '/v1/tasks');
    const [listed] = list.tasks;
    expect(ofClasses(one.prequential)).toContain('prequentialRecall/c0');
    expect(ofClasses(one.head?.measurements)).toEqual([]);
    expect(one.newest?.measurements).toHaveProperty('prequentialAccuracy');
    expect(ofClasses(head.measurements)).toContain('prequentialRecall/c0');
    expect(ofClasses(listed?.prequential)).toEqual([]);
    const { prequentialAccuracy } = one.prequential;
    expect(listed).toMatchObject({ prequential: { prequentialAccuracy }, newest: { classCount: 3 } });
    expect(listed?.newest).not.toHaveProperty('measurements');
  });

  it('a person pins another kind, and it stays whatever is learned', async () => {
    const [newest = 0] = await versions('ncm');
    const { status, body } = await activate('ncm', newest);
    expect([status, body.head?.kind, body.head?.pinned]).toEqual([200, 'ncm', true]);
    expect(await headOfNextPrediction()).toMatchObject({ kind: 'ncm', version: newest });
    await label(12);
    await allSettled();
    expect(await headOfNextPrediction()).toMatchObject({ kind: 'ncm', version: newest });
  });

  it('rolls back to an older version, which predictions name', async () => {
    const older = (await versions('lda')).at(-1) ?? 0;
    expect(older).toBeLessThan((await versions('lda'))[0] ?? 0);
    const { body } = await activate('lda', older);
    expect(body.head).toMatchObject({ kind: 'lda', version: older, pinned: true });
    expect(await headOfNextPrediction()).toMatchObject({ kind: 'lda', version: older });
    expect((await activate('lda', 9_999)).status).toBe(404);
  });

  it('the champion serves again when the pin goes, also without a label', async () => {
    const [newest = 0] = await versions('ncm');
    await activate('ncm', newest);
    expect((await fixture.api(service, '/v1/tasks/digit/pin', { method: 'DELETE' })).status).toBe(200);
    const champion = await served(({ kind, pinned }) => kind !== 'ncm' && !pinned);
    expect(await headOfNextPrediction()).toMatchObject({ kind: champion.kind, version: champion.version });
  });
});
