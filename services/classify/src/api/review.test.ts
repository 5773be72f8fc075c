import { createMemoryLog } from '@headwater/log';
import type { Service } from '@headwater/service-kit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ClassifyFixture, dayOne, eventually, vectorOf } from '../testing/classify-fixture.ts';

interface MissingOutputs {
  readonly considered: number;
  readonly suspects: { imageId: string; label: string; suggestion: string; margin: number }[];
}

interface Neighbours {
  readonly considered: number;
  readonly neighbours: { imageId: string; label: string; similarity: number }[];
}

interface Influence {
  readonly label: string;
  readonly helpful: { imageId: string; influence: number }[];
  readonly harmful: { imageId: string; influence: number }[];
}

let fixture: ClassifyFixture;
let service: Service;

beforeAll(async () => {
  fixture = await ClassifyFixture.open({ log: createMemoryLog() });
  service = await fixture.start();
  for (let image = 0; image < 60; image++) {
    await fixture.sendVector(`i${image}`, vectorOf(image % 3, image));
    // One label of sixty is wrong.
    await fixture.sendLabel(`i${image}`, image === 7 ? 'c2' : `c${image % 3}`);
  }
  await fixture.sendVector('new', vectorOf(0, 3));
  await fixture.settled(60);
  await eventually(async () => (await fixture.api(service, '/v1/tasks/digit/head')).status === 200);
  await eventually(async () => (await fixture.predictions()).length >= 61);
});
afterAll(() => fixture.close());

describe('questions about examples', () => {
  it('find the wrong label', async () => {
    const { status, body } = await fixture.api<MissingOutputs>(service, '/v1/tasks/digit/suspects?limit=3');
    expect(status).toBe(200);
    expect(body.considered).toBe(60);
    expect(body.suspects).toHaveLength(3);
    expect(body.suspects[0]).toMatchObject({ imageId: 'i7', label: 'c2', suggestion: 'c1' });
    expect(body.suspects[0]?.margin).toBeLessThan(0);
  });

  it('find the nearest examples of an image without a label, exactly', async () => {
    const { body } = await fixture.api<Neighbours>(service, '/v1/images/new/neighbours?task=digit&limit=4');
    expect(body.considered).toBe(60);
    // The very vector of i3.
    expect(body.neighbours[0]).toMatchObject({ imageId: 'i3', label: 'c0' });
    expect(body.neighbours[0]?.similarity).toBeCloseTo(1, 3);
    expect(body.neighbours.map(({ label }) => label)).toEqual(['c0', 'c0', 'c0', 'c0']);
    const similarities = body.neighbours.map(({ similarity }) => similarity);
    expect(similarities).toEqual(similarities.toSorted((a, b) => b - a));
  });

  it('leave out the image itself among its neighbours', async () => {
    const { body } = await fixture.api<Neighbours>(service, '/v1/images/i3/neighbours?task=digit');
    expect(body.considered).toBe(59);
    expect(body.neighbours.map(({ imageId }) => imageId)).not.toContain('i3');
  });

  it('tell what the answer for an example rests on', async () => {
    const path = '/v1/tasks/digit/examples/i10/influence?limit=60';
    const { body } = await fixture.api<Influence>(service, path);
    expect(body.label).toBe('c1');
    // What looks the same and is labelled otherwise pulls it away.
    expect(body.harmful.map(({ imageId }) => imageId)).toContain('i7');
    expect(body.helpful.length).toBeGreaterThan(0);
    for (const { influence } of body.helpful) expect(influence).toBeGreaterThan(0);
  });

  it.each([
    ['/v1/images/none/neighbours?task=digit', 404, 'not-found'],
    ['/v1/images/i1/neighbours', 400, 'request-invalid'],
    ['/v1/tasks/digit/examples/new/influence', 404, 'not-found'],
    ['/v1/tasks/none/suspects', 404, 'not-found'],
    ['/v1/images/cam-1%2F1.png/neighbours?task=digit', 404, 'not-found'],
    ['/v1/images/a%00/neighbours?task=digit', 400, 'request-invalid'],
    [`/v1/images/${'%C3%BC'.repeat(513)}/neighbours?task=digit`, 400, 'request-invalid'],
    ['/v1/tasks/digit/examples/a%0A/influence', 400, 'request-invalid'],
  ])('answer %s with a problem', async (path, status, code) => {
    const answer = await fixture.api<{ code: string }>(service, path);
    expect({ status: answer.status, code: answer.body.code }).toEqual({ status, code });
  });

  it('are another process’s where that one trains the task', async () => {
    const api = await fixture.start({ ROLES: 'api' });
    await eventually(async () => (await fixture.api(api, '/v1/tasks/digit/head')).status === 200);
    const answer = await fixture.api<{ code: string; partition: number }>(api, '/v1/tasks/digit/suspects');
    expect(answer).toMatchObject({
      status: 421,
      body: { code: 'partition-elsewhere', partition: expect.any(Number) },
    });
  });
});

describe('with a window, questions about examples', () => {
  it('are about the examples inside', async () => {
    const windowed = await ClassifyFixture.open({ log: createMemoryLog() });
    try {
      const here = await windowed.start({ WINDOW: '12' });
      for (let image = 0; image < 30; image++) {
        await windowed.sendVector(`i${image}`, vectorOf(image % 3, image));
        // The first ones have a class that is gone with them.
        const label = image < 9 ? 'gone' : `c${image % 3}`;
        await windowed.sendLabel(`i${image}`, label, { assignedAt: dayOne + 2_000 + image });
      }
      await windowed.settled(12);
      await eventually(async () => (await windowed.api(here, '/v1/tasks/digit/head')).status === 200);
      const { body } = await windowed.api<MissingOutputs>(here, '/v1/tasks/digit/suspects');
      expect(body.considered).toBe(12);
      expect(body.suspects.map(({ label }) => label)).not.toContain('gone');
      const influence = (image: string) => windowed.api(here, `/v1/tasks/digit/examples/${image}/influence`);
      expect((await influence('i29')).status).toBe(200);
      expect(await influence('i3')).toMatchObject({
        status: 404,
        body: { detail: expect.stringContaining('WINDOW') },
      });
    } finally {
      await windowed.close();
    }
  });
});
