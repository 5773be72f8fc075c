/**
 * Walks a folder, for SOURCE_FOLDER and for the commands that send one. A file or folder that cannot be read is
 * skipped with its name and reason, and does not end the walk.
 */
import type { Dirent } from 'node:fs';
import { readdir, readFile, realpath, stat } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';

/** A skipped file, or a folder that was skipped with its contents. */
export interface SkippedFile {
  /** Relative to the root, with `/`. */
  readonly path: string;
  /** A code of the error table, or `hidden`, `link`, `not-a-file`, `empty-file`, `unreadable`, `folder-unreadable`. */
  readonly reason: string;
  /** Further details, such as the code of the system's error. */
  readonly detail?: string;
}

export interface FolderImage {
  /** Relative to the root, with `/`. */
  readonly path: string;
  /** The name of the first sub-folder as it is on disk; undefined for files of the root itself. */
  readonly label: string | undefined;
  readonly bytes: Buffer;
}

export type FoundFile = { readonly path: string } | SkippedFile;

type ReadFolder = (folder: string) => Promise<Dirent[]>;

/** Maximum skipped files that are named; the others are counted alone. */
export const namedSkips = 20;

const readFolder: ReadFolder = (folder) => readdir(folder, { withFileTypes: true });

/**
 * Files below the root in the order of the code units of their paths. Links to files within the root are followed;
 * links to folders are not, since they could leave the root or form cycles. Errors: those of the system, for the
 * root alone.
 */
export async function* walkFolder(root: string, read = readFolder): AsyncGenerator<FoundFile> {
  const top = await realpath(root);
  yield* walk(top, top, await read(top), read);
}

async function* walk(
  top: string,
  folder: string,
  entries: Dirent[],
  read: ReadFolder,
): AsyncGenerator<FoundFile> {
  entries.sort((a, b) => (a.name < b.name ? -1 : 1));
  for (const entry of entries) {
    const place = join(folder, entry.name);
    const path = relative(top, place).split(sep).join('/');
    if (entry.name.startsWith('.')) yield { path, reason: 'hidden' };
    else if (!entry.isDirectory()) yield await inspectEntry(top, entry, place, path);
    else {
      const inner = await read(place).catch((error: unknown) => ({ detail: detailOf(error, path) }));
      if ('detail' in inner) yield { path, reason: 'folder-unreadable', ...inner };
      else yield* walk(top, place, inner, read);
    }
  }
}

/** Reads a file, or returns the reason to skip it. `maxBytes`: larger files are not read. */
export async function readFolderImage(
  root: string,
  path: string,
  maxBytes: number,
): Promise<FolderImage | SkippedFile> {
  const place = join(root, path);
  try {
    const { size } = await stat(place);
    if (size === 0) return { path, reason: 'empty-file' };
    if (size > maxBytes) return { path, reason: 'image-too-large' };
    return { path, label: labelOf(path), bytes: await readFile(place) };
  } catch (error) {
    return { path, reason: 'unreadable', detail: detailOf(error, path) };
  }
}

function detailOf(error: unknown, path: string): string {
  const { code = 'unknown' } = error as NodeJS.ErrnoException;
  return path.includes('\ufffd') ? `${code}; the name is not UTF-8` : code;
}

function labelOf(path: string): string | undefined {
  const [first, ...rest] = path.split('/');
  return rest.length > 0 ? first : undefined;
}

async function inspectEntry(top: string, entry: Dirent, place: string, path: string): Promise<FoundFile> {
  if (entry.isFile()) return { path };
  if (!entry.isSymbolicLink()) return { path, reason: 'not-a-file' };
  const target = await realpath(place).catch(() => undefined);
  const isInside = target?.startsWith(top + sep) && (await isFile(target));
  return isInside ? { path } : { path, reason: 'link' };
}

function isFile(place: string): Promise<boolean> {
  return stat(place).then(
    (found) => found.isFile(),
    () => false,
  );
}
