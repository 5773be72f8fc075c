import { createMemoryLog } from '@headwater/log';
import type { Service } from '@headwater/service-kit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ClassifyFixture, dayOne, eventually, vectorOf } from '../testing/classify-fixture.ts';

interface Next {
  readonly considered: number;
  readonly images: { imageId: string; priority: number; margin: number; label: string }[];
}

let fixture: ClassifyFixture;
let service: Service;

beforeAll(async () => {
  fixture = await ClassifyFixture.open({ log: createMemoryLog() });
  service = await fixture.start();
  // Between two classes, and before there is a head.
  await fixture.sendVector('torn', [1, 1, 0, 0, 0, 0, 0, 0]);
  for (let image = 0; image < 30; image++) {
    await fixture.sendVector(`i${image}`, vectorOf(image % 3, image));
    await fixture.sendLabel(`i${image}`, `c${image % 3}`);
  }
  const { version } = await fixture.settled(30);
  await eventually(async () => {
    const { body } = await fixture.api<{ version: number }>(service, '/v1/tasks/digit/head');
    return body.version === version;
  });
  for (let image = 30; image < 40; image++) await fixture.sendVector(`i${image}`, vectorOf(image % 3, image));
  await eventually(async () => (await fixture.predictions()).length >= 41);
});
afterAll(() => fixture.close());

function next(limit: number, considered: number): Promise<Next> {
  return eventually(async () => {
    const { body } = await fixture.api<Next>(service, `/v1/tasks/digit/next?limit=${limit}`);
    return body.considered === considered && body;
  });
}

describe('GET /v1/tasks/{task}/next', () => {
  it('ranks what has no label by the head of now, whoever predicted before', async () => {
    expect((await next(5, 11)).images).toHaveLength(5);
    const { images } = await next(20, 11);
    expect(images.toSorted((a, b) => a.margin - b.margin)[0]?.imageId).toBe('torn');
    const priorities = images.map(({ priority }) => priority);
    expect(priorities).toEqual(priorities.toSorted((a, b) => b - a));
    for (const { imageId } of images) expect(imageId).toMatch(/^(i3\d|torn)$/);
  });

  it('leaves out what was labelled since, and takes it back when the label is retracted', async () => {
    await fixture.sendLabel('torn', 'c0');
    const { images } = await next(20, 10);
    expect(images.map(({ imageId }) => imageId)).not.toContain('torn');
    await fixture.sendLabel('torn', null, { assignedAt: dayOne + 3_000 });
    expect((await next(20, 11)).images.map(({ imageId }) => imageId)).toContain('torn');
  });

  it('forgets what was erased', async () => {
    await fixture.erase('torn');
    const { images } = await next(20, 10);
    expect(images.map(({ imageId }) => imageId)).not.toContain('torn');
  });

  it('says what is missing', async () => {
    expect((await fixture.api(service, '/v1/tasks/none/next')).status).toBe(404);
  });
});
