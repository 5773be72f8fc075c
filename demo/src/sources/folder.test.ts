import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { SkippedFile } from '@headwater/ingest';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createFolderSource } from './folder.ts';
import type { SourceImage } from './image-source.ts';

let root = '';
const files: Readonly<Record<string, string>> = {
  'cat/1.jpg': 'cat one',
  'cat/deep/2.jpg': 'cat two',
  'dog/1.jpg': 'dog',
  'top.jpg': 'nobody knows',
  'dog/empty.jpg': '',
  'dog/huge.jpg': 'x'.repeat(2000),
  '.git/config': 'hidden',
};

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'headwater-folder-'));
  for (const [path, text] of Object.entries(files)) {
    await mkdir(join(root, path, '..'), { recursive: true });
    await writeFile(join(root, path), text);
  }
});
afterAll(() => rm(root, { recursive: true, force: true }));

async function readAll(limit: number) {
  const skipped: string[] = [];
  const source = await createFolderSource({
    folder: root,
    task: 'animal',
    extractor: 'x.v1',
    maxBytes: 1000,
    onSkipped: ({ reason }) => skipped.push(reason),
  });
  const images: SourceImage[] = [];
  for await (const image of source.images(limit)) images.push(image);
  return { source, images, skipped };
}

describe('a folder', () => {
  it('labels files by their first sub-folder', async () => {
    const { images } = await readAll(Number.POSITIVE_INFINITY);
    const labels = Object.fromEntries(images.map(({ name, label }) => [name, label]));
    expect(labels).toEqual({
      'cat/1.jpg': 'cat',
      'cat/deep/2.jpg': 'cat',
      'dog/1.jpg': 'dog',
      'top.jpg': null,
    });
  });

  it('reports why files are skipped, and never reads hidden ones', async () => {
    const { skipped, source } = await readAll(100);
    expect(skipped.sort()).toEqual(['empty-file', 'image-too-large']);
    expect(source.size).toBe(6);
  });

  it('hands out the bytes, and no more than wanted', async () => {
    const { images } = await readAll(100);
    expect(images.find(({ name }) => name === 'dog/1.jpg')?.bytes.toString()).toBe('dog');
    expect((await readAll(2)).images.length).toBeLessThanOrEqual(2);
  });

  it('comes in the same mixed order every time', async () => {
    const order = async () => (await readAll(100)).images.map(({ name }) => name);
    expect(await order()).toEqual(await order());
  });

  it('normalizes labels as heads do, and skips invalid ones', async () => {
    const own = await mkdtemp(join(tmpdir(), 'headwater-folder-names-'));
    try {
      for (const name of ['cafe\u0301', 'c\u200bat', 'dog']) {
        await mkdir(join(own, name));
        await writeFile(join(own, name, 'a.jpg'), name === 'c\u200bat' ? 'other' : 'same');
      }
      const skipped: SkippedFile[] = [];
      const conflicts: string[] = [];
      const source = await createFolderSource({
        folder: own,
        task: 'animal',
        extractor: 'x.v1',
        maxBytes: 1_000,
        onSkipped: (file) => skipped.push(file),
        onConflict: (sentence) => conflicts.push(sentence),
      });
      const labels: (string | null)[] = [];
      for await (const { label } of source.images(10)) labels.push(label);
      expect(labels.sort()).toEqual(['caf\u00e9', 'dog']);
      expect(skipped).toEqual([
        {
          path: 'c\u200bat/a.jpg',
          reason: 'label-invalid',
          detail: 'label has an invisible character (U+200B)',
        },
      ]);
      expect(conflicts).toEqual([expect.stringContaining('identical bytes had the label')]);
    } finally {
      await rm(own, { recursive: true });
    }
  });

  it('must exist and have files', async () => {
    const options = { task: 't', extractor: 'x', maxBytes: 1, onSkipped: () => undefined };
    await expect(createFolderSource({ folder: join(root, 'nowhere'), ...options })).rejects.toThrow(
      'cannot read the folder',
    );
    const empty = await mkdtemp(join(root, 'empty-'));
    await expect(createFolderSource({ folder: empty, ...options })).rejects.toThrow('no files in');
  });
});
