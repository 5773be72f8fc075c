/**
 * Removed entries stay readable in free pages of LMDB until they are overwritten by chance. So a store with
 * erasures is rewritten entry by entry when it is opened.
 */
import { renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { RootDatabase } from 'lmdb';

/** Marks that something was erased since the last rewrite; sorts before every prefix. */
export const erasedKey = '\u0000erased';
/** The value of the mark. */
export const erasedMark = Buffer.from([1]);

type Database = RootDatabase<Buffer, string>;

const entriesAtOnce = 1_000;

/**
 * Returns the database of this folder without erased bytes. Without space for a second copy, it is returned
 * as it is, and rewritten at the next opening.
 */
export async function withoutErased(
  database: Database,
  folder: string,
  open: (folder: string) => Database,
): Promise<Database> {
  if (database.get(erasedKey) === undefined) return database;
  const aside = join(folder, 'rewritten');
  try {
    await copyEntries(database, aside, open);
  } catch {
    rmSync(aside, { recursive: true, force: true });
    return database;
  }
  await database.close();
  // Atomic: a crash leaves one or the other.
  renameSync(join(aside, 'data.mdb'), join(folder, 'data.mdb'));
  rmSync(aside, { recursive: true, force: true });
  return open(folder);
}

async function copyEntries(
  database: Database,
  folder: string,
  open: (folder: string) => Database,
): Promise<void> {
  // Left by a crash.
  rmSync(folder, { recursive: true, force: true });
  const copy = open(folder);
  try {
    let entries: { readonly key: string; readonly value: Buffer }[] = [];
    const flush = async () => {
      const batch = entries;
      entries = [];
      await copy.transaction(() => {
        for (const { key, value } of batch) copy.put(key, value);
      });
    };
    for (const entry of database.getRange({})) {
      // A value may be a view that is valid during this step only.
      if (entry.key !== erasedKey) entries.push({ key: entry.key, value: Buffer.from(entry.value) });
      if (entries.length >= entriesAtOnce) await flush();
    }
    await flush();
  } finally {
    await copy.close();
  }
}
