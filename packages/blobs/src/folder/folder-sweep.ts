/** Deletes expired blobs of a folder: those whose last put is too long ago. */
import { randomUUID } from 'node:crypto';
import { lstat, opendir, readdir, rename, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { SweepOptions, SweepReport } from '../api.ts';
import { expiringFolder } from '../blob-path.ts';

interface Folders {
  readonly root: string;
  /** Must be on the same file system. */
  readonly drafts: string;
}

/** Iterates over folders and files, since their list may not fit into memory. */
export async function sweepFolder({ root, drafts }: Folders, options: SweepOptions): Promise<SweepReport> {
  const report = { seen: 0, deleted: 0, bytes: 0 };
  const expiring = join(root, expiringFolder);
  for (const name of (await readdir(expiring).catch(() => [])).sort()) {
    const files = await opendir(join(expiring, name)).catch(() => undefined);
    if (files === undefined) continue;
    for await (const entry of files) {
      options.signal?.throwIfAborted();
      if (!entry.isFile()) continue;
      const bytes = await expire(join(expiring, name, entry.name), join(drafts, randomUUID()), options);
      report.seen += 1;
      if (bytes === undefined) continue;
      report.deleted += 1;
      report.bytes += bytes;
    }
  }
  return report;
}

/** Returns the size of a deleted blob; undefined where it stays. Moves it and checks again, because of concurrent puts. */
async function expire(
  path: string,
  aside: string,
  { olderThan, dryRun = false }: SweepOptions,
): Promise<number | undefined> {
  const isOld = (mtimeMs: number) => Date.now() - mtimeMs > olderThan;
  try {
    const { size, mtimeMs } = await lstat(path);
    if (!isOld(mtimeMs)) return undefined;
    if (dryRun) return size;
    await rename(path, aside);
    if (isOld((await lstat(aside)).mtimeMs)) {
      await unlink(aside);
      return size;
    }
    await rename(aside, path);
  } catch (error) {
    // Another sweep or an erasure has deleted it.
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  return undefined;
}
