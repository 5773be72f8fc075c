/**
 * Images from a folder, for a first run on one's own data and for backfills. The walk has a fixed order and the ids are
 * those of the contents, so that a walk that was cut short is simply started again.
 */
import type { Dirent } from 'node:fs';
import { readdir, readFile, realpath, stat } from 'node:fs/promises';
import { basename, join, relative, sep } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { asHeadwaterError, type HeadwaterError } from '@headwater/errors';

/** Why a file was passed over. */
export interface SkippedFile {
  readonly path: string;
  /** A code of the error table, or `hidden`, `link`, `not-a-file`, `unreadable`. */
  readonly reason: string;
}

export interface FolderImage {
  /** Relative to the root, with `/`. */
  readonly path: string;
  /** The name of the first sub-folder; undefined for files of the root itself. */
  readonly label: string | undefined;
  readonly bytes: Buffer;
}

export interface FolderProgress {
  readonly accepted: number;
  readonly skipped: number;
  /** Reason to count. */
  readonly reasons: Readonly<Record<string, number>>;
  readonly bytes: number;
}

export interface IngestedFile {
  readonly id: string;
  readonly path: string;
  readonly label: string | undefined;
}

export interface FolderOptions {
  readonly root: string;
  /** Takes an image in, e.g. `Intake.accept` or a POST; an error whose verdict is to retry is retried. */
  readonly accept: (image: FolderImage) => Promise<{ readonly id: string }>;
  readonly maxBytes: number;
  /** Images under way at once; default 16. */
  readonly inFlight?: number;
  readonly signal?: AbortSignal;
  readonly onSkip?: (file: SkippedFile) => void;
  readonly onProgress?: (progress: FolderProgress) => void;
}

/**
 * Yields what was accepted, in the order of the walk. Files that are no images are passed over and counted.
 * Errors: those of `accept` whose verdict is to stop, and the signal's reason.
 */
export async function* ingestFolder(options: FolderOptions): AsyncGenerator<IngestedFile, FolderProgress> {
  const { inFlight = 16, onSkip, onProgress } = options;
  // Also ends what is under way when the caller leaves its loop early.
  const left = new AbortController();
  const signal = AbortSignal.any([left.signal, ...(options.signal ? [options.signal] : [])]);
  const reasons: Record<string, number> = {};
  let [accepted, skipped, bytes] = [0, 0, 0];
  const progress = (): FolderProgress => ({ accepted, skipped, bytes, reasons: { ...reasons } });
  const skip = (file: SkippedFile) => {
    skipped += 1;
    reasons[file.reason] = (reasons[file.reason] ?? 0) + 1;
    onSkip?.(file);
    onProgress?.(progress());
  };

  const flight: Promise<Landing>[] = [];
  const land = async function* (): AsyncGenerator<IngestedFile> {
    const landing = await flight.shift();
    if (!landing) return;
    if ('reason' in landing) return skip(landing);
    accepted += 1;
    bytes += landing.byteLength;
    onProgress?.(progress());
    yield landing.file;
  };

  try {
    for await (const found of walkFolder(options.root)) {
      signal.throwIfAborted();
      flight.push('reason' in found ? Promise.resolve(found) : takeFile({ ...options, signal }, found.path));
      // A failure that comes while an earlier file is waited for is told when its turn comes.
      flight.at(-1)?.catch(() => {});
      if (flight.length >= inFlight) yield* land();
    }
    while (flight.length > 0) yield* land();
    return progress();
  } finally {
    left.abort();
    await Promise.allSettled(flight);
  }
}

type Landing = { readonly file: IngestedFile; readonly byteLength: number } | SkippedFile;

async function takeFile(options: FolderOptions, path: string): Promise<Landing> {
  const { root, maxBytes, signal } = options;
  try {
    const place = join(root, path);
    if ((await stat(place)).size > maxBytes) return { path, reason: 'image-too-large' };
    const bytes = await readFile(place);
    const image = { path, label: labelOf(path), bytes };
    const { id } = await untilTaken(() => options.accept(image), signal);
    return { file: { id, path, label: image.label }, byteLength: bytes.length };
  } catch (thrown) {
    if (isSystemError(thrown)) return { path, reason: 'unreadable' };
    const error = asHeadwaterError(thrown);
    if (error.verdict !== 'dead-letter') throw thrown;
    return { path, reason: error.code };
  }
}

const isSystemError = (error: unknown): boolean => error instanceof Error && 'syscall' in error;

const LONGEST_PAUSE_MS = 5_000;

/** Repeats what may pass, ever more slowly, until it passes or the signal ends it. */
async function untilTaken<T>(take: () => Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  for (let pause = 50; ; pause = Math.min(2 * pause, LONGEST_PAUSE_MS)) {
    try {
      return await take();
    } catch (thrown) {
      const error: HeadwaterError = asHeadwaterError(thrown);
      if (error.verdict !== 'retry') throw thrown;
      await sleep(pause, undefined, signal ? { signal } : {});
    }
  }
}

function labelOf(path: string): string | undefined {
  const [first, ...rest] = path.split('/');
  return rest.length > 0 ? first : undefined;
}

type Found = { readonly path: string } | SkippedFile;

/**
 * Files below the root, by the code units of their names, a folder where its name stands. Links to files within the root are
 * followed; links to folders are not, for they could lead out or in circles.
 */
export async function* walkFolder(root: string): AsyncGenerator<Found> {
  const top = await realpath(root);
  yield* walk(top, top);
}

async function* walk(top: string, folder: string): AsyncGenerator<Found> {
  const entries = await readdir(folder, { withFileTypes: true });
  entries.sort((a, b) => (a.name < b.name ? -1 : 1));
  for (const entry of entries) {
    const place = join(folder, entry.name);
    const path = relative(top, place).split(sep).join('/');
    if (basename(place).startsWith('.')) yield { path, reason: 'hidden' };
    else if (entry.isDirectory()) yield* walk(top, place);
    else yield await inspectEntry(top, entry, place, path);
  }
}

async function inspectEntry(top: string, entry: Dirent, place: string, path: string): Promise<Found> {
  if (entry.isFile()) return { path };
  if (!entry.isSymbolicLink()) return { path, reason: 'not-a-file' };
  const target = await realpath(place).catch(() => undefined);
  const inside = target?.startsWith(top + sep) && (await stat(target)).isFile();
  return inside ? { path } : { path, reason: 'link' };
}
