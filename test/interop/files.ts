/**
 * Folder of the downloads and builds of the interop test: below the clone, out of git, and reused by the next
 * run.
 */
import { mkdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const interopFolder = fileURLToPath(new URL('.', import.meta.url));
export const repositoryFolder = join(interopFolder, '..', '..');
export const keptFolder = join(repositoryFolder, '.headwater', 'interop');

/** Fills a folder, which gets its name only when it is complete. */
export async function fillFolder(folder: string, fill: (draft: string) => Promise<unknown>): Promise<void> {
  const draft = `${folder}.part-${process.pid}`;
  await rm(draft, { recursive: true, force: true });
  await mkdir(dirname(draft), { recursive: true });
  try {
    await fill(draft);
    await rename(draft, folder);
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
}
