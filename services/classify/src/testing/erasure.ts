/** Checks the promises of an erasure on any log. */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type HeadTrained, parseCompositeKey } from '@headwater/schemas';
import { expect } from 'vitest';
import type { HeadView, TaskView } from '../api/task-views.ts';
import { openPartitionStore } from '../store/partition-store.ts';
import { type ClassifyFixture, eventually, vectorOf } from './classify-fixture.ts';

const erased = 'secret-image';

/** Labels 13 images, pins the head that learned them, erases one, and searches for remains. */
export async function eraseEndToEnd(
  fixture: ClassifyFixture,
  environment: Readonly<Record<string, string>>,
): Promise<void> {
  const service = await fixture.start(environment);
  const { topics } = fixture.names;
  for (let image = 0; image < 12; image++) await fixture.sendVector(`i${image}`, vectorOf(image % 3, image));
  await fixture.sendVector(erased, vectorOf(1, 77));
  await eventually(async () => (await fixture.predictions()).length >= 13);
  for (let image = 0; image < 12; image++) await fixture.sendLabel(`i${image}`, `c${image % 3}`);
  // With a wrong label, so that it is among the worst examples.
  await fixture.sendLabel(erased, 'c2');
  const before = await fixture.settled(13);
  const held = (await fixture.heads()).filter(({ setDigest }) => setDigest === before.setDigest);
  const pin = `/v1/tasks/digit/heads/${before.version}/activate`;
  await eventually(async () => (await fixture.api(service, pin, { method: 'POST' })).status === 200);

  await fixture.erase(erased);

  const after = await fixture.settled(12);
  const serving = await eventually(async () => {
    const { body } = await fixture.api<TaskView>(service, '/v1/tasks/digit');
    return body.head?.version === after.version && body.head;
  });
  expect(serving).toMatchObject({ setDigest: after.setDigest, pinned: false });
  // No head that may have learned it can be activated: none is in a table.
  await eventually(async () => {
    const { body } = await fixture.api<{ heads: HeadView[] }>(service, '/v1/tasks/digit/heads');
    return body.heads.every((head) => head.setDigest === after.setDigest);
  });
  for (const { version } of held) {
    const { status } = await fixture.api(service, `/v1/tasks/digit/heads/${version}/activate`, {
      method: 'POST',
    });
    expect(status).toBe(404);
  }
  await noBlobOf(held);
  // The newest record of each key in compacted topics is a tombstone.
  for (const topic of [topics.examples, topics.vectors(fixture.extractors[0] ?? '')]) {
    const newest = new Map((await fixture.records(topic)).map(({ key, value }) => [key?.toString(), value]));
    const own = [...newest].filter(([key = '']) => parseCompositeKey(key).includes(erased));
    expect(own.length).toBeGreaterThan(0);
    expect(own.every(([, value]) => value === null)).toBe(true);
  }
  const heads = await fixture.records(topics.heads);
  const kept = new Map(heads.map(({ key, value }) => [key?.toString(), value]));
  const alive = await Promise.all(
    [...kept.values()].filter((value) => value !== null).map((value) => fixture.codecs.heads.decode(value)),
  );
  expect(new Set(alive.map(({ setDigest }) => setDigest))).toEqual(new Set([after.setDigest]));
  // Its labels are retracted, so that they do not count when the image is sent again.
  const labels = await fixture.decoded(topics.labels, fixture.codecs.labels);
  expect(labels.filter(({ imageId }) => imageId === erased).at(-1)).toMatchObject({
    label: null,
    annotator: 'erasure',
  });

  await service.stop();
  await nothingIn(join(fixture.dataDir, 'join'));
  await nothingIn(join(fixture.dataDir, 'train'));
}

function noBlobOf(heads: readonly HeadTrained[]): Promise<true> {
  const uris = heads.flatMap(({ parameters }) => (parameters instanceof Uint8Array ? [] : [parameters.uri]));
  return eventually(async () => uris.every((uri) => !existsSync(fileURLToPath(uri))));
}

/** No store entry names the image or has its content. */
export async function nothingIn(folder: string): Promise<void> {
  const digest = createHash('sha256').update(erased).digest();
  let entries = 0;
  for (const group of readdirSync(folder)) {
    for (const partition of readdirSync(join(folder, group))) {
      const path = join(folder, group, partition);
      const identity = identityOf(path);
      const store = await openPartitionStore({ folder: path, identity });
      for (const { key, value } of store.range('')) {
        entries++;
        expect(key.startsWith(`vector/${digest.toString('base64url')}`)).toBe(false);
        expect(`${key} ${value.toString('latin1')}`).not.toContain(erased);
      }
      await store.close();
    }
  }
  expect(entries).toBeGreaterThan(0);
}

/** With another identity, the store would be emptied when it is opened. */
function identityOf(folder: string): string {
  const bytes = readFileSync(join(folder, 'data.mdb')).toString('latin1');
  const found = [...bytes.matchAll(/\{"identity":("(?:[^"\\]|\\.)*")/g)].at(-1)?.[1];
  return JSON.parse(found ?? '""') as string;
}
