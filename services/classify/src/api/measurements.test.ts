import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createMemoryLog } from '@headwater/log';
import type { Service } from '@headwater/service-kit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ClassifyFixture, eventually, vectorOf } from '../testing/classify-fixture.ts';

interface Report {
  readonly support: number;
  readonly accuracy: number;
  readonly logLoss: number;
  readonly topK: number[];
  readonly classes: Record<string, { precision: number; recall: number; support: number }>;
  readonly confusion: [string, string, number][];
  readonly calibration: { count: number }[];
  readonly worst: { imageId: string; label: string; predicted: string }[];
  readonly abstention: { abstained: number; accuracy: number | null };
}

interface Prediction {
  readonly imageId: string;
  readonly label: string;
  readonly abstained: boolean;
  readonly novelty: number | null;
  readonly probabilities: Record<string, number>;
  readonly predictedAt: number;
}

/** Of classes that there are not: they change no answer. */
const costsOfDigit = { c9: { c8: 5 } };

let fixture: ClassifyFixture;
let service: Service;

beforeAll(async () => {
  fixture = await ClassifyFixture.open({ log: createMemoryLog() });
  // The careful task has labels by the toss of a coin: its head abstains where it is least sure, and gives its label all the same.
  const costs = join(fixture.dataDir, 'costs.json');
  writeFileSync(costs, JSON.stringify({ digit: costsOfDigit, digits: {} }));
  service = await fixture.start({
    TASKS: 'digit,careful',
    MAX_ERROR_RATE: 'careful=0.001',
    COSTS_FILE: costs,
  });
  for (let image = 0; image < 30; image++) {
    await fixture.sendVector(`i${image}`, vectorOf(image % 3, image));
    await fixture.sendLabel(`i${image}`, `c${image % 3}`);
    await fixture.sendLabel(`i${image}`, image % 2 === 0 ? 'heads' : 'tails', { task: 'careful' });
  }
  for (const task of ['digit', 'careful']) {
    const { version } = await fixture.settled(30, task);
    await eventually(async () => {
      const { body } = await fixture.api<{ version: number }>(service, `/v1/tasks/${task}/head`);
      return body.version === version;
    });
  }
  for (let image = 30; image < 42; image++) await fixture.sendVector(`i${image}`, vectorOf(image % 3, image));
  await eventually(
    async () => (await fixture.predictions()).filter(({ label }) => label !== null).length >= 24,
  );
  // The last one is labelled unlike what it shows.
  for (let image = 30; image < 42; image++) {
    await fixture.sendLabel(`i${image}`, image === 41 ? 'c0' : `c${image % 3}`);
  }
});
afterAll(() => fixture.close());

function reported(): Promise<Report> {
  return eventually(async () => {
    const { body } = await fixture.api<{ report: Report }>(service, '/v1/tasks/digit/measurements');
    return body.report.support === 12 && body.report;
  });
}

describe('what mistakes cost, and how many there may be', () => {
  it('are among the settings of a task', async () => {
    const settingsOf = async (task: string) =>
      (await fixture.api<{ settings: object }>(service, `/v1/tasks/${task}`)).body.settings;
    expect(await settingsOf('digit')).toMatchObject({ maxErrorRate: null, costs: costsOfDigit });
    expect(await settingsOf('careful')).toMatchObject({ maxErrorRate: 0.001, costs: null });
  });

  it('are warned of where they name tasks or classes that there are not', () => {
    const warned = fixture.logged.filter(({ msg }) => String(msg).startsWith('COSTS_FILE'));
    expect(warned).toMatchObject([
      { tasks: ['digits'], count: 1 },
      { task: 'digit', classes: ['c9', 'c8'], count: 2, unnamed: expect.any(Number) },
    ]);
  });
});

describe('GET /v1/tasks/{task}/measurements', () => {
  it('reports on the predictions that met their label', async () => {
    const report = await reported();
    expect(report.accuracy).toBeCloseTo(11 / 12, 12);
    expect(report.classes.c0).toMatchObject({ precision: 1, recall: 0.8, support: 5 });
    expect(report.confusion).toContainEqual(['c0', 'c2', 1]);
    expect(report.worst).toMatchObject([{ imageId: 'i41', label: 'c0', predicted: 'c2' }]);
    expect(report.topK.at(-1)).toBe(1);
    expect(report.logLoss).toBeGreaterThan(0);
    expect(report.calibration.reduce((sum, { count }) => sum + count, 0)).toBe(12);
    expect(report.abstention).toMatchObject({ abstained: 0, accuracy: report.accuracy });
  });

  it('is empty, not wrong, where nothing met its label yet', async () => {
    const { status, body } = await fixture.api<{ report: Report }>(service, '/v1/tasks/careful/measurements');
    expect(status).toBe(200);
    expect(body.report).toMatchObject({ support: 0, accuracy: null, logLoss: null, from: null, worst: [] });
  });
});

interface HeadReport {
  readonly over: string;
  readonly kind: string;
  readonly considered: number;
  readonly folds?: number;
  readonly report: Omit<Report, 'abstention'>;
}

describe('GET /v1/tasks/{task}/measurements/{kind}', () => {
  const path = '/v1/tasks/digit/measurements/lda';

  it('tells how new examples were answered before they were learned', async () => {
    const { report, over } = await eventually(async () => {
      const { body } = await fixture.api<HeadReport>(service, path);
      return body.report.worst.some(({ imageId }) => imageId === 'i41') && body;
    });
    expect(over).toBe('prequential');
    expect(report.confusion).toContainEqual(['c0', 'c2', 1]);
    expect(report.confusion.reduce((sum, [, , count]) => sum + count, 0)).toBe(report.support);
    expect(report.classes.c1?.support).toBeGreaterThan(0);
  });

  it('tells how examples are answered by heads that have not learned them', async () => {
    await fixture.settled(42);
    const { status, body } = await fixture.api<HeadReport>(service, `${path}?over=held-out`);
    expect(status).toBe(200);
    expect(body).toMatchObject({ kind: 'lda', over: 'held-out', considered: 42, folds: 5 });
    expect(body.report.accuracy).toBeCloseTo(41 / 42, 12);
    expect(body.report.worst[0]).toMatchObject({ imageId: 'i41', label: 'c0', predicted: 'c2' });
    expect(body.report.logLoss).toBeGreaterThan(0);
  });

  it.each([
    ['/v1/tasks/digit/measurements/knn', 404, 'not-found', /there are lda of /],
    ['/v1/tasks/digit/measurements/oracle', 400, 'request-invalid', /kind/],
    ['/v1/tasks/none/measurements/lda', 404, 'not-found', /no such task/],
    [`${path}?over=all`, 400, 'request-invalid', /over/],
    [`${path}?overall=held-out`, 400, 'request-invalid', /"overall"/],
  ])('answers %s with a problem that says what is wrong', async (wrong, status, code, detail) => {
    const answer = await fixture.api<{ code: string; detail: string }>(service, wrong);
    expect({ status: answer.status, code: answer.body.code }).toEqual({ status, code });
    expect(answer.body.detail).toMatch(detail);
  });
});

describe('GET /v1/tasks/{task}/predictions', () => {
  it('lists the newest first, as many as were asked for', async () => {
    await reported();
    const path = '/v1/tasks/digit/predictions?limit=5';
    const { body } = await fixture.api<{ predictions: Prediction[]; partitions: number[] }>(service, path);
    expect(body.partitions).toEqual([0, 1, 2]);
    expect(body.predictions).toHaveLength(5);
    const times = body.predictions.map(({ predictedAt }) => predictedAt);
    expect(times).toEqual(times.toSorted((a, b) => b - a));
    const published = await fixture.predictions();
    const [newest] = body.predictions;
    expect(published).toContainEqual(
      expect.objectContaining({ imageId: newest?.imageId, probabilities: newest?.probabilities }),
    );
  });

  it('tells a guess from an answer', async () => {
    const guesses = (await fixture.predictions()).filter(
      ({ task, label }) => task === 'careful' && label !== null,
    );
    expect(guesses.some(({ abstained }) => abstained)).toBe(true);
    const answers = (await fixture.predictions()).filter(
      ({ task, label }) => task === 'digit' && label !== null,
    );
    expect(new Set(answers.map(({ abstained }) => abstained))).toEqual(new Set([false]));
  });

  it('refuses a limit that is none, and a task that is none', async () => {
    expect((await fixture.api(service, '/v1/tasks/digit/predictions?limit=0')).status).toBe(400);
    expect((await fixture.api(service, '/v1/tasks/none/predictions')).status).toBe(404);
  });
});
