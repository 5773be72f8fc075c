/** Where a run keeps its state: a folder that survives, or one that is thrown away at the end. */
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

export interface DataFolder {
  readonly path: string;
  /** Removes a folder that is to be thrown away; leaves any other. */
  discard(): Promise<void>;
}

export interface DataFolderOptions {
  /** Default `.headwater` here; of a throw-away folder the parent, by default that of the system. */
  readonly given: string | undefined;
  readonly throwAway: boolean;
  /** Leaves a throw-away folder where it is. */
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
