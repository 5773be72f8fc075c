import { arithmeticOf } from '@headwater/heads';
import type { Problem } from '@headwater/http';
import { createMemoryLog } from '@headwater/log';
import type { Service } from '@headwater/service-kit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ClassifyFixture, dayOne, eventually, vectorOf } from '../testing/classify-fixture.ts';
import type { HeadView, TaskSummary, TaskView } from './task-views.ts';

let fixture: ClassifyFixture;
let service: Service;

beforeAll(async () => {
  fixture = await ClassifyFixture.open({ log: createMemoryLog() });
  service = await fixture.start({ TASKS: 'digit,quiet', HEAD_INLINE_BYTES: '0' });
  for (let image = 0; image < 12; image++) await fixture.sendVector(`i${image}`, vectorOf(image % 3, image));
  await eventually(async () => (await fixture.predictions()).length >= 24);
  for (let image = 0; image < 12; image++) await fixture.sendLabel(`i${image}`, `c${image % 3}`);
  const { version } = await fixture.settled(12);
  await serves(version);
});
afterAll(() => fixture.close());

function serves(version: number): Promise<unknown> {
  return eventually(async () => {
    const { status, body } = await fixture.api<HeadView>(service, '/v1/tasks/digit/head');
    return status === 200 && body.version === version;
  });
}

function classify(body: unknown, task = 'digit') {
  return fixture.api<
    { label: string; probabilities: Record<string, number>; head: { version: number } } & Problem
  >(service, `/v1/tasks/${task}/classify`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
}

describe('the HTTP interface', () => {
  it('lists tasks with what serves them and how well', async () => {
    const { body } = await fixture.api<{ tasks: TaskSummary[]; join: object }>(service, '/v1/tasks');
    expect(body.tasks.map(({ task }) => task)).toEqual(['digit', 'quiet']);
    const [digit, quiet] = body.tasks;
    const settled = await fixture.settled(12);
    expect(digit?.head).toMatchObject({
      digest: settled.digest,
      setDigest: settled.setDigest,
      mode: 'settled',
      pinned: false,
      classCount: 3,
      arithmetic: arithmeticOf('lda'),
    });
    expect(digit?.head).not.toHaveProperty('classes');
    expect(digit?.newest).not.toHaveProperty('measurements');
    expect(digit?.served).toMatchObject({ labelled: 0, unanswered: 12, accuracy: null });
    expect(quiet).toMatchObject({ head: null, newest: null, prequential: {} });
    expect(body.join).toMatchObject({ images: 12, unmatched: 0 });
  });

  it('returns heads and measurements', async () => {
    const { body } = await fixture.api<{ heads: HeadView[] }>(service, '/v1/tasks/digit/heads');
    expect(body.heads.filter(({ serving }) => serving)).toHaveLength(1);
    expect(body.heads[0]).not.toHaveProperty('parameters');
    const { body: measured } = await fixture.api<{ heads: unknown[]; served: object }>(
      service,
      '/v1/tasks/digit/measurements',
    );
    expect(measured.heads).toHaveLength(body.heads.length);
    expect(measured.served).toMatchObject({ unanswered: 12 });
  });

  it('answers vectors as numbers and as base64, the same', async () => {
    const vector = vectorOf(2, 50);
    const { status, body } = await classify({ vector });
    expect(status).toBe(200);
    expect(body.label).toBe('c2');
    const sum = Object.values(body.probabilities).reduce((total, one) => total + one, 0);
    expect(sum).toBeCloseTo(1, 9);
    const text = Buffer.from(Float32Array.from(vector).buffer).toString('base64');
    const { body: other } = await classify({ vector: text });
    expect(other).toMatchObject({ label: body.label, probabilities: body.probabilities, head: body.head });
  });

  it.each([
    ['too few numbers', { vector: [1, 2] }, 422, 'vector-wrong-dimensions'],
    ['no vector', {}, 400, 'request-invalid'],
    ['words', { vector: ['a'] }, 400, 'request-invalid'],
    ['half a float', { vector: 'AAA=' }, 400, 'request-invalid'],
    ['too large a number', { vector: [1e39, 0, 0, 0, 0, 0, 0, 0] }, 422, 'vector-not-finite'],
  ])('refuses %s with a problem document', async (_, body, status, code) => {
    const answer = await classify(body);
    expect({ status: answer.status, code: answer.body.code }).toEqual({ status, code });
    expect(answer.body.type).toBe(`urn:headwater:problem:${code}`);
  });

  it('distinguishes a task without a head from an unknown task', async () => {
    expect(await classify({ vector: vectorOf(0, 1) }, 'quiet')).toMatchObject({
      status: 503,
      body: { code: 'head-not-ready' },
    });
    expect(await classify({ vector: vectorOf(0, 1) }, 'nothing')).toMatchObject({
      status: 404,
      body: { code: 'not-found' },
    });
    const { status } = await fixture.api(service, '/v1/tasks/nothing/heads');
    expect(status).toBe(404);
  });

  it('cannot answer images of an extractor that it does not have, and says so', async () => {
    const request = { method: 'POST', headers: { 'content-type': 'image/png' }, body: 'png' };
    const { status, body } = await fixture.api<Problem>(service, '/v1/tasks/digit/classify', request);
    expect({ status, code: body.code }).toEqual({ status: 501, code: 'extractor-unknown' });
  });

  it('describes itself', async () => {
    const { body } = await fixture.api<{ paths: Record<string, object> }>(service, '/openapi.json');
    expect(Object.keys(body.paths).sort()).toEqual([
      '/v1/images/{imageId}/neighbours',
      '/v1/tasks',
      '/v1/tasks/{task}',
      '/v1/tasks/{task}/classify',
      '/v1/tasks/{task}/examples/{imageId}/influence',
      '/v1/tasks/{task}/head',
      '/v1/tasks/{task}/heads',
      '/v1/tasks/{task}/heads/{version}/activate',
      '/v1/tasks/{task}/measurements',
      '/v1/tasks/{task}/measurements/{kind}',
      '/v1/tasks/{task}/next',
      '/v1/tasks/{task}/pin',
      '/v1/tasks/{task}/predictions',
      '/v1/tasks/{task}/suspects',
    ]);
    const { post } = body.paths['/v1/tasks/{task}/classify'] as { post: { parameters: { name: string }[] } };
    expect(post.parameters.map(({ name }) => name)).toEqual(['task']);
    expect((await fixture.api(service, '/')).status).toBe(200);
  });

  it('pins a head, which newer ones do not replace, until it is unpinned', async () => {
    const { body } = await fixture.api<{ heads: HeadView[] }>(service, '/v1/tasks/digit/heads');
    const first = body.heads.at(-1);
    const pin = await fixture.api<TaskView>(service, `/v1/tasks/digit/heads/${first?.version}/activate`, {
      method: 'POST',
    });
    expect(pin).toMatchObject({ status: 200, body: { head: { version: first?.version, pinned: true } } });
    await fixture.sendLabel('i0', 'c1', { assignedAt: dayOne + 9_000 });
    const corrected = await eventually(async () => {
      const head = await fixture.settled(12);
      return head.version > (body.heads[0]?.version ?? 0) && head;
    });
    const { body: pinned } = await fixture.api<TaskView>(service, '/v1/tasks/digit');
    expect(pinned.head?.version).toBe(first?.version);
    const unpin = await fixture.api<TaskView>(service, '/v1/tasks/digit/pin', { method: 'DELETE' });
    expect(unpin).toMatchObject({
      status: 200,
      body: { head: { version: corrected.version, pinned: false } },
    });
    await fixture.sendLabel('i0', 'c0', { assignedAt: dayOne + 10_000 });
    await serves(
      (
        await eventually(async () => {
          const head = await fixture.settled(12);
          return head.version > corrected.version && head;
        })
      ).version,
    );
    const unknown = await fixture.api(service, '/v1/tasks/digit/heads/999/activate', { method: 'POST' });
    expect(unknown.status).toBe(404);
  });

  it('lets nothing serve again when the last label is retracted and the pin is gone', async () => {
    const { body } = await fixture.api<{ heads: HeadView[] }>(service, '/v1/tasks/digit/heads');
    await fixture.api(service, `/v1/tasks/digit/heads/${body.heads[0]?.version}/activate`, {
      method: 'POST',
    });
    for (let image = 0; image < 12; image++)
      await fixture.sendLabel(`i${image}`, null, { assignedAt: dayOne + 20_000 });
    await eventually(
      async () => (await fixture.api(service, '/v1/tasks/digit/measurements/lda')).status === 503,
    );
    const { body: pinned } = await fixture.api<TaskView>(service, '/v1/tasks/digit');
    expect(pinned.head).toMatchObject({ pinned: true });
    const unpin = () => fixture.api<TaskView>(service, '/v1/tasks/digit/pin', { method: 'DELETE' });
    expect((await unpin()).status).toBe(200);
    await eventually(async () => (await fixture.api(service, '/v1/tasks/digit/head')).status === 503);
    expect(await unpin()).toMatchObject({ status: 200, body: { head: null, newest: null, prequential: {} } });
    const { body: gone } = await fixture.api<TaskView>(service, '/v1/tasks/digit');
    expect(gone).toMatchObject({ head: null, newest: null });
    expect((await fixture.api(service, '/v1/tasks/digit/head')).status).toBe(503);
  });
});
