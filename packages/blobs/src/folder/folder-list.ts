/** Lists the blobs of a folder that have names. */
import { lstat, opendir } from 'node:fs/promises';
import { basename, dirname, join, relative, sep } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { NamedBlob } from '../api.ts';
import { namedPath, parseNamedPath } from '../blob-path.ts';
import { unavailable } from '../verified-bytes.ts';

/** Folder by folder, since their list may not fit into memory; symbolic links are not followed. */
export async function* listNamed(root: string, prefix: string): AsyncGenerator<NamedBlob> {
  const start = join(root, ...namedPath(prefix).split('/'));
  try {
    yield* within(root, dirname(start), (name) => name.startsWith(basename(start)));
  } catch (error) {
    const reason = (error as NodeJS.ErrnoException).code;
    if (reason === undefined || !/^E[A-Z0-9]+$/.test(reason)) throw error;
    throw unavailable('list', reason, error, reason === 'EACCES' || reason === 'EPERM');
  }
}

async function* within(
  root: string,
  folder: string,
  isWanted: (name: string) => boolean = () => true,
): AsyncGenerator<NamedBlob> {
  const entries = await opendir(folder).catch(unlessMissing);
  if (entries === undefined) return;
  for await (const entry of entries) {
    if (!isWanted(entry.name)) continue;
    const path = join(folder, entry.name);
    if (entry.isDirectory()) yield* within(root, path);
    const found = entry.isFile() ? parseNamedPath(relative(root, path).split(sep).join('/')) : undefined;
    const state = found === undefined ? undefined : await lstat(path).catch(unlessMissing);
    if (found === undefined || state === undefined) continue;
    yield { ...found, uri: pathToFileURL(path).href, byteLength: state.size };
  }
}

function unlessMissing(error: unknown): undefined {
  const reason = (error as NodeJS.ErrnoException).code;
  if (reason !== 'ENOENT' && reason !== 'ENOTDIR') throw error;
}
