/** The data folder of a run: a permanent one, or a temporary one that is deleted at the end. */
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

export interface DataFolder {
  readonly path: string;
  /** Deletes a temporary folder; leaves any other. */
  discard(): Promise<void>;
}

interface DataFolderOptions {
  /** Default `.headwater`; the parent of a temporary folder, by default that of the system. */
  readonly given: string | undefined;
  readonly throwAway: boolean;
  /** Keeps a temporary folder. */
  readonly keep: boolean;
}

export async function openDataFolder({ given, throwAway, keep }: DataFolderOptions): Promise<DataFolder> {
  if (!throwAway) {
    const path = resolve(given ?? '.headwater');
    await mkdir(path, { recursive: true });
    return { path, discard: async () => undefined };
  }
  const parent = resolve(given ?? tmpdir());
  await mkdir(parent, { recursive: true });
  const path = await mkdtemp(join(parent, 'headwater-'));
  return {
    path,
    discard: () => (keep ? Promise.resolve() : rm(path, { recursive: true, force: true, maxRetries: 3 })),
  };
}
