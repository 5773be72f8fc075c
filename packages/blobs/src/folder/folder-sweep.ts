/** What expires in a folder of blobs: files that were put, or put again, too long ago. */
import { randomUUID } from 'node:crypto';
import { lstat, opendir, readdir, rename, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { SweepOptions, SweepReport } from '../api.ts';
import { expiringFolder } from '../blob-path.ts';

interface Folders {
  readonly root: string;
  /** On the same file system. */
  readonly drafts: string;
}

/** Folder by folder, file by file: there may be more than memory holds. */
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

/** How large it was; undefined where it stays. It may be put again this very moment: so it is moved, and looked at once more. */
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
    // Another process sweeps, too, or an erasure was quicker.
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  return undefined;
}
