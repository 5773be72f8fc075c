import type { Dirent } from 'node:fs';
import { mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { HeadwaterError } from '@headwater/errors';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type FolderOptions, type FolderProgress, ingestFolder } from './folder-ingest.ts';
import { type FolderImage, type SkippedFile, walkFolder } from './folder-walk.ts';
import type { LabelConflict } from './label-conflicts.ts';

let root: string;
let outside: string;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'headwater-folder-'));
  outside = await mkdtemp(join(tmpdir(), 'headwater-outside-'));
});
afterEach(async () => {
  await rm(root, { recursive: true, force: true });
  await rm(outside, { recursive: true, force: true });
});

async function write(path: string, content = path, base = root): Promise<void> {
  const place = join(base, path);
  await mkdir(dirname(place), { recursive: true });
  await writeFile(place, content);
}

interface Run {
  readonly yielded: string[];
  readonly skipped: SkippedFile[];
  readonly progress: FolderProgress;
}

async function run(options: Partial<FolderOptions> = {}): Promise<Run> {
  const yielded: string[] = [];
  const skipped: SkippedFile[] = [];
  const files = ingestFolder({
    root,
    maxBytes: 1_000,
    accept: async ({ path }) => ({ id: path }),
    onSkip: (file) => skipped.push(file),
    ...options,
  });
  for (;;) {
    const next = await files.next();
    if (next.done) return { yielded, skipped, progress: next.value };
    yielded.push(`${next.value.label ?? '-'}:${next.value.path}`);
  }
}

const random = (limit: number) => new Promise((resolve) => setTimeout(resolve, Math.random() * limit));

describe('a folder of images', () => {
  it('comes in one order, with the first sub-folder as label', async () => {
    for (const path of ['top.png', 'cat/b.png', 'cat/a.png', 'cat/2020/c.png', 'Dog/d.png', 'ä/e.png'])
      await write(path);
    const expected = [
      'Dog:Dog/d.png',
      'cat:cat/2020/c.png',
      'cat:cat/a.png',
      'cat:cat/b.png',
      '-:top.png',
      'ä:ä/e.png',
    ];
    const slow = async ({ path }: FolderImage) => {
      await random(5);
      return { id: path };
    };
    for (const inFlight of [1, 3, 100])
      expect((await run({ inFlight, accept: slow })).yielded).toEqual(expected);
  });

  it('skips files that are no images, with the reason', async () => {
    const refused: Record<string, HeadwaterError> = {
      'notes.txt': new HeadwaterError('image-type-unsupported', 'text'),
      'cut.png': new HeadwaterError('image-unreadable', 'cut'),
    };
    for (const path of ['a.png', 'notes.txt', 'cut.png', '.DS_Store', '.git/config']) await write(path);
    await write('huge.png', 'x'.repeat(1_001));
    const { yielded, skipped, progress } = await run({
      accept: async ({ path }) => {
        if (refused[path]) throw refused[path];
        return { id: path };
      },
    });
    expect(yielded).toEqual(['-:a.png']);
    expect(skipped).toEqual([
      { path: '.DS_Store', reason: 'hidden' },
      { path: '.git', reason: 'hidden' },
      { path: 'cut.png', reason: 'image-unreadable', detail: 'cut' },
      { path: 'huge.png', reason: 'image-too-large' },
      { path: 'notes.txt', reason: 'image-type-unsupported', detail: 'text' },
    ]);
    expect(progress).toEqual({
      accepted: 1,
      skipped: 5,
      conflicts: 0,
      bytes: 5,
      reasons: { hidden: 2, 'image-unreadable': 1, 'image-too-large': 1, 'image-type-unsupported': 1 },
    });
  });

  it('never follows a link out of the root, nor in circles', async () => {
    await write('real/a.png');
    await write('secret.png', 'secret', outside);
    await symlink(join(outside, 'secret.png'), join(root, 'file-out.png'));
    await symlink(outside, join(root, 'folder-out'));
    await symlink(root, join(root, 'real', 'circle'));
    await symlink(join(root, 'nowhere'), join(root, 'broken.png'));
    await symlink(join('real', 'a.png'), join(root, 'inside.png'));
    const { yielded, skipped } = await run();
    expect(yielded).toEqual(['-:inside.png', 'real:real/a.png']);
    expect(skipped.map(({ path }) => path)).toEqual([
      'broken.png',
      'file-out.png',
      'folder-out',
      'real/circle',
    ]);
    expect(new Set(skipped.map(({ reason }) => reason))).toEqual(new Set(['link']));
  });

  it('has no more under way than its limit', async () => {
    for (let index = 0; index < 30; index += 1) await write(`${index}.png`);
    let [now, most] = [0, 0];
    const accept = async ({ path }: FolderImage) => {
      now += 1;
      most = Math.max(most, now);
      await random(3);
      now -= 1;
      return { id: path };
    };
    expect((await run({ accept, inFlight: 4 })).progress.accepted).toBe(30);
    expect(most).toBe(4);
  });

  it('retries transient errors', async () => {
    await write('a.png');
    let attempts = 0;
    const accept = async ({ path }: FolderImage) => {
      attempts += 1;
      if (attempts < 3) throw new HeadwaterError('overloaded', 'later');
      return { id: path };
    };
    expect((await run({ accept })).yielded).toEqual(['-:a.png']);
    expect(attempts).toBe(3);
  });

  it('ends with an error whose verdict is stop', async () => {
    await write('a.png');
    const accept = () => Promise.reject(new HeadwaterError('config-invalid', 'no'));
    await expect(run({ accept })).rejects.toMatchObject({ code: 'config-invalid' });
  });

  it('ends by its signal, also while it waits', async () => {
    for (const path of ['a.png', 'b.png', 'c.png']) await write(path);
    const controller = new AbortController();
    const accept = () => {
      controller.abort(new Error('enough'));
      return Promise.reject(new HeadwaterError('overloaded', 'later'));
    };
    await expect(run({ accept, inFlight: 1, signal: controller.signal })).rejects.toThrow();
  });

  it('ends the images in flight when its caller leaves the loop', async () => {
    for (const path of ['a.png', 'b.png', 'c.png']) await write(path);
    const accept = async ({ path }: FolderImage) => {
      if (path !== 'a.png') throw new HeadwaterError('overloaded', 'for ever');
      return { id: path };
    };
    for await (const { path } of ingestFolder({ root, maxBytes: 1_000, accept })) {
      expect(path).toBe('a.png');
      break;
    }
  });

  it('reports its progress', async () => {
    for (const path of ['a.png', 'b.png', '.c']) await write(path);
    const seen: number[] = [];
    await run({ onProgress: ({ accepted, skipped }) => seen.push(accepted + skipped) });
    expect(seen).toEqual([1, 2, 3]);
  });

  it.each(['EACCES', 'ENAMETOOLONG', 'EIO', 'ENOENT', 'ELOOP'])(
    'passes over a sub-folder that cannot be read (%s), and goes on behind it',
    async (code) => {
      for (const path of ['a/1.png', 'b/2.png', 'b/deep/3.png', 'c/4.png']) await write(path);
      const read = async (folder: string): Promise<Dirent[]> => {
        if (folder.endsWith('/b')) throw Object.assign(new Error(code), { code, syscall: 'scandir' });
        return readdir(folder, { withFileTypes: true });
      };
      const found = [];
      for await (const file of walkFolder(root, read)) found.push(file);
      expect(found).toEqual([
        { path: 'a/1.png' },
        { path: 'b', reason: 'folder-unreadable', detail: code },
        { path: 'c/4.png' },
      ]);
    },
  );

  it('skips names that are not UTF-8, of folders and files, and a folder that disappears during the walk', async () => {
    for (const path of ['a/1.png', 'gone/2.png', 'z/3.png']) await write(path);
    const latin1 = Buffer.concat([Buffer.from(`${root}/caf`), Buffer.of(0xe9)]);
    await mkdir(latin1);
    await writeFile(Buffer.concat([latin1, Buffer.from('/4.png')]), 'image');
    await writeFile(Buffer.concat([Buffer.from(`${root}/z/`), Buffer.of(0xe9)]), 'image');
    const accept = async ({ path }: FolderImage) => {
      if (path === 'a/1.png') await rm(join(root, 'gone'), { recursive: true });
      return { id: path };
    };
    const { yielded, skipped, progress } = await run({ accept, inFlight: 1 });
    expect(yielded).toEqual(['a:a/1.png', 'z:z/3.png']);
    expect(skipped).toEqual([
      { path: 'caf\ufffd', reason: 'folder-unreadable', detail: 'ENOENT; the name is not UTF-8' },
      { path: 'gone', reason: 'folder-unreadable', detail: 'ENOENT' },
      { path: 'z/\ufffd', reason: 'unreadable', detail: 'ENOENT; the name is not UTF-8' },
    ]);
    expect(progress).toMatchObject({ accepted: 2, skipped: 3 });
  });

  it('reports the same bytes in the folders of two classes', async () => {
    for (const path of ['cat/a.png', 'cat/again.png', 'dog/b.png', 'cow/c.png']) await write(path, 'same');
    await write('dog/other.png');
    await write('top.png', 'same');
    const conflicts: LabelConflict[] = [];
    const accept = async ({ bytes }: FolderImage) => ({ id: bytes.toString() });
    const { progress } = await run({ accept, onConflict: (conflict) => conflicts.push(conflict) });
    expect(conflicts).toEqual([
      { path: 'cow/c.png', label: 'cow', former: 'cat' },
      { path: 'dog/b.png', label: 'dog', former: 'cow' },
    ]);
    expect(progress).toMatchObject({ accepted: 6, conflicts: 2 });
  });

  it('throws when there is no folder', async () => {
    await expect(run({ root: join(root, 'nowhere') })).rejects.toMatchObject({ code: 'ENOENT' });
  });
});
