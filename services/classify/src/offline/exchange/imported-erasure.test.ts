/**
 * A file does not list the images that its head has learned; after any erasure, an imported head may have
 * learned the erased image.
 */
import { createMemoryLog } from '@headwater/log';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { HeadView } from '../../api/task-views.ts';
import { HeadCatalog } from '../../model-registry/head-catalog.ts';
import { ClassifyFixture, eventually, vectorOf } from '../../testing/classify-fixture.ts';
import { decodeHeadFile, encodeHeadFile, type HeadFile } from './head-file.ts';
import { importHead } from './head-import.ts';

const inline = { HEAD_INLINE_BYTES: 1 << 20 };
let fixture: ClassifyFixture;
let elsewhere: ClassifyFixture;
beforeEach(async () => {
  fixture = await ClassifyFixture.open({ log: createMemoryLog() });
  elsewhere = await ClassifyFixture.open({ log: createMemoryLog() });
});
afterEach(async () => {
  await fixture.close();
  await elsewhere.close();
});

async function teach(fixture: ClassifyFixture, count: number) {
  const service = await fixture.start();
  for (let i = 0; i < count; i++) {
    await fixture.sendVector(`i${i}`, vectorOf(i % 3, i));
    await fixture.sendLabel(`i${i}`, `c${i % 3}`);
  }
  await fixture.settled(count);
  return service;
}

async function exportNewest(fixture: ClassifyFixture): Promise<HeadFile> {
  const catalog = await HeadCatalog.read(fixture.dependencies());
  return decodeHeadFile(encodeHeadFile(await catalog.open(catalog.pick({ task: 'digit' }))));
}

it('a head exported before an erasure cannot be activated when it is imported after it', async () => {
  const service = await teach(fixture, 12);
  const file = await exportNewest(fixture);
  await fixture.erase('i5');
  const after = await fixture.settled(11);
  const { head } = await importHead(file, fixture.dependencies(), inline);
  expect(head.version).toBeGreaterThan(after.version);
  // Without any new label or image.
  await eventually(async () => {
    const { body } = await fixture.api<{ heads: HeadView[] }>(service, '/v1/tasks/digit/heads');
    return body.heads.every(({ setDigest }) => setDigest === after.setDigest);
  });
  const pin = `/v1/tasks/digit/heads/${head.version}/activate`;
  expect((await fixture.api(service, pin, { method: 'POST' })).status).toBe(404);
  const { body } = await fixture.api<HeadView>(service, '/v1/tasks/digit/head');
  expect(body.setDigest).toBe(after.setDigest);
});

it('a pinned imported head ends with the erasure, and a head of this cluster serves', async () => {
  const service = await teach(fixture, 12);
  await teach(elsewhere, 15);
  const { head } = await importHead(await exportNewest(elsewhere), fixture.dependencies(), inline);
  const pin = `/v1/tasks/digit/heads/${head.version}/activate`;
  await eventually(async () => (await fixture.api(service, pin, { method: 'POST' })).status === 200);
  await fixture.erase('i5');
  const after = await fixture.settled(11);
  const serving = await eventually(async () => {
    const { body } = await fixture.api<HeadView>(service, '/v1/tasks/digit/head');
    return body.setDigest === after.setDigest && body;
  });
  expect(serving.pinned).toBe(false);
  await eventually(async () => (await fixture.api(service, pin, { method: 'POST' })).status === 404);
});
