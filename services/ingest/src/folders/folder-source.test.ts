import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openCodec } from '@headwater/schemas';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { eventually, startIngestFixture } from '../testing/ingest-fixture.ts';
import { makePicture } from '../testing/pictures.ts';

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'headwater-source-'));
});
afterEach(() => rm(root, { recursive: true, force: true }));

it('a running service ingests its source folder, with the sub-folders as labels', async () => {
  for (const [index, label] of ['cat', 'dog'].entries()) {
    await mkdir(join(root, label));
    await writeFile(join(root, label, 'a.png'), await makePicture('png', { shade: index }));
    await writeFile(join(root, label, 'notes.txt'), 'no image');
  }
  await using fixture = await startIngestFixture({
    environment: { SOURCE_FOLDER: root, SOURCE_TASK: 'animal' },
  });
  const records = await eventually(async () => {
    const found = await fixture.read('images');
    return found.length === 2 ? found : undefined;
  });
  const codec = await openCodec(fixture.dependencies.schemaIds, 'ImageReceived', 'images');
  const images = await Promise.all(records.map(({ value }) => codec.decode(value ?? Buffer.alloc(0))));
  expect(images.map(({ labels, source }) => [labels.animal, source]).sort()).toEqual([
    ['cat', 'folder'],
    ['dog', 'folder'],
  ]);
});

it('skips a sub-folder whose name is no label, and ingests the others', async () => {
  for (const [index, name] of ['cat', 'c\u200bow', 'cafe\u0301'].entries()) {
    await mkdir(join(root, name));
    await writeFile(join(root, name, 'a.png'), await makePicture('png', { shade: index }));
  }
  await using fixture = await startIngestFixture({
    environment: { SOURCE_FOLDER: root, SOURCE_TASK: 'animal' },
  });
  const records = await eventually(async () => {
    const found = await fixture.read('images');
    return found.length === 2 ? found : undefined;
  });
  const codec = await openCodec(fixture.dependencies.schemaIds, 'ImageReceived', 'images');
  const images = await Promise.all(records.map(({ value }) => codec.decode(value ?? Buffer.alloc(0))));
  expect(images.map(({ labels }) => labels.animal).sort()).toEqual(['caf\u00e9', 'cat']);
});

it('a folder that is not there ends the service with its reason', async () => {
  const fixture = await startIngestFixture({ environment: { SOURCE_FOLDER: join(root, 'nowhere') } });
  await eventually(() => (fixture.dependencies.health.alive ? undefined : true));
  await expect(fixture.stop()).rejects.toMatchObject({ code: 'config-invalid' });
});
