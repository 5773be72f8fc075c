/** A file does not say which images its head has learned; where any was erased, an imported head is taken to hold it. */
import { createMemoryLog } from '@headwater/log';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { HeadView } from '../../api/task-views.ts';
import { HeadCatalog } from '../../model-registry/head-catalog.ts';
import { eventually, Rig, vectorOf } from '../../testing/classify-fixture.ts';
import { decodeHeadFile, encodeHeadFile, type HeadFile } from './head-file.ts';
import { importHead } from './head-import.ts';

const inline = { HEAD_INLINE_BYTES: 1 << 20 };
let rig: Rig;
let elsewhere: Rig;
beforeEach(async () => {
  rig = await Rig.open({ log: createMemoryLog() });
  elsewhere = await Rig.open({ log: createMemoryLog() });
});
afterEach(async () => {
  await rig.close();
  await elsewhere.close();
});

async function teach(rig: Rig, count: number) {
  const service = await rig.start();
  for (let i = 0; i < count; i++) {
    await rig.sendVector(`i${i}`, vectorOf(i % 3, i));
    await rig.sendLabel(`i${i}`, `c${i % 3}`);
  }
  await rig.settled(count);
  return service;
}

async function exportNewest(rig: Rig): Promise<HeadFile> {
  const catalog = await HeadCatalog.read(rig.dependencies());
  return decodeHeadFile(encodeHeadFile(await catalog.open(catalog.pick({ task: 'digit' }))));
}

it('a head that was exported before an erasure cannot be activated when it is imported after it', async () => {
  const service = await teach(rig, 12);
  const file = await exportNewest(rig);
  await rig.erase('i5');
  const after = await rig.settled(11);
  const { head } = await importHead(file, rig.dependencies(), inline);
  expect(head.version).toBeGreaterThan(after.version);
  // Nothing else happens: neither labels nor images come.
  await eventually(async () => {
    const { body } = await rig.api<{ heads: HeadView[] }>(service, '/v1/tasks/digit/heads');
    return body.heads.every(({ setDigest }) => setDigest === after.setDigest);
  });
  const pin = `/v1/tasks/digit/heads/${head.version}/activate`;
  expect((await rig.api(service, pin, { method: 'POST' })).status).toBe(404);
  const { body } = await rig.api<HeadView>(service, '/v1/tasks/digit/head');
  expect(body.setDigest).toBe(after.setDigest);
});

it('one that is pinned already ends with the erasure, and what was learned here serves', async () => {
  const service = await teach(rig, 12);
  await teach(elsewhere, 15);
  const { head } = await importHead(await exportNewest(elsewhere), rig.dependencies(), inline);
  const pin = `/v1/tasks/digit/heads/${head.version}/activate`;
  await eventually(async () => (await rig.api(service, pin, { method: 'POST' })).status === 200);
  await rig.erase('i5');
  const after = await rig.settled(11);
  const serving = await eventually(async () => {
    const { body } = await rig.api<HeadView>(service, '/v1/tasks/digit/head');
    return body.setDigest === after.setDigest && body;
  });
  expect(serving.pinned).toBe(false);
  await eventually(async () => (await rig.api(service, pin, { method: 'POST' })).status === 404);
});
