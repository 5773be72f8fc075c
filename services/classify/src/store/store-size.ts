/** Room that the local stores of a role take on disk. */
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Metrics } from '@headwater/service-kit';

/** Allocated bytes: the files of LMDB are sparse. */
async function allocatedBytes(path: string): Promise<number> {
  return await stat(path).then(
    ({ blocks }) => blocks * 512,
    () => 0,
  );
}

/** Each partition has a folder with a few files. Files that are removed meanwhile count as 0. */
async function storeBytes(folder: string): Promise<number> {
  const names = await readdir(folder, { recursive: true }).catch(() => []);
  let bytes = 0;
  for (const name of names) bytes += await allocatedBytes(join(folder, name));
  return bytes;
}

/** Measured when metrics are read. `folder` has the stores of all partitions of the role. */
export function reportStoreSize(metrics: Metrics, role: 'join' | 'train', folder: string): void {
  const size = metrics.gauge('headwater_classify_store_bytes', 'Disk space of the local stores of a role', [
    'role',
  ]);
  metrics.beforeRender(async () => size.set(await storeBytes(folder), { role }));
}
