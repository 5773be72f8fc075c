/** Where the interop test keeps what it fetches and builds: below the clone, out of git, so that a second run is quick. */
import { mkdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const interopFolder = fileURLToPath(new URL('.', import.meta.url));
export const repositoryFolder = join(interopFolder, '..', '..');
export const keptFolder = join(repositoryFolder, '.headwater', 'interop');

/** Fills a folder that gets its name only when it is complete. */
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
