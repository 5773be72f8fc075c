/**
 * LMDB overwrites nothing at once: what was removed stays in free pages, and between the entries of others, until chance has it written
 * over. So a store from which something was erased is written anew, entry by entry, before it is worked with again.
 */
import { renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { RootDatabase } from 'lmdb';

/** Under it stands that something was erased since the store was written anew; sorts before every prefix. */
export const erasedKey = '\u0000erased';
/** Kept with what is erased. */
export const erasedMark = Buffer.from([1]);

type Database = RootDatabase<Buffer, string>;

const entriesAtOnce = 1_000;

/**
 * The database of this folder, free of what was erased. Where there is no room for a second one it is handed back as it is, and
 * tried again the next time it is opened.
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
  // At once and whole: a crash leaves the one or the other.
  renameSync(join(aside, 'data.mdb'), join(folder, 'data.mdb'));
  rmSync(aside, { recursive: true, force: true });
  return open(folder);
}

async function copyEntries(
  database: Database,
  folder: string,
  open: (folder: string) => Database,
): Promise<void> {
  // What a crash has left.
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
      // A value may be a view that does not outlive the step.
      if (entry.key !== erasedKey) entries.push({ key: entry.key, value: Buffer.from(entry.value) });
      if (entries.length >= entriesAtOnce) await flush();
    }
    await flush();
  } finally {
    await copy.close();
  }
}
