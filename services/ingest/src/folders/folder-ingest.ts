/**
 * Ingests the images of a folder. The walk has a fixed order and ids are digests of the bytes, so an interrupted
 * walk can be repeated.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { asHeadwaterError, type HeadwaterError } from '@headwater/errors';
import { type FolderImage, readFolderImage, type SkippedFile, walkFolder } from './folder-walk.ts';
import { type LabelConflict, LabelConflicts } from './label-conflicts.ts';

export interface FolderProgress {
  readonly accepted: number;
  readonly skipped: number;
  /** Reason to count. */
  readonly reasons: Readonly<Record<string, number>>;
  /** Accepted files with the bytes of an earlier file and another label. */
  readonly conflicts: number;
  readonly bytes: number;
}

export interface IngestedFile {
  readonly id: string;
  readonly path: string;
  readonly label: string | undefined;
}

export interface FolderOptions {
  readonly root: string;
  /** Ingests an image, e.g. `Intake.accept` or a POST; errors with the verdict retry are retried. */
  readonly accept: (image: FolderImage) => Promise<{ readonly id: string }>;
  readonly maxBytes: number;
  /** Maximum images in flight; default 16. */
  readonly inFlight?: number;
  readonly signal?: AbortSignal;
  readonly onSkip?: (file: SkippedFile) => void;
  readonly onConflict?: (conflict: LabelConflict) => void;
  readonly onProgress?: (progress: FolderProgress) => void;
}

/**
 * Yields the accepted files, in the order of the walk. Files that are no images are skipped and counted.
 * Errors: those of `accept` with the verdict stop, and the signal's reason.
 */
export async function* ingestFolder(options: FolderOptions): AsyncGenerator<IngestedFile, FolderProgress> {
  const { inFlight = 16, onSkip, onConflict, onProgress } = options;
  // Also ends the images in flight when the caller leaves its loop early.
  const left = new AbortController();
  const signal = AbortSignal.any([left.signal, ...(options.signal ? [options.signal] : [])]);
  const reasons: Record<string, number> = {};
  let [accepted, skipped, conflicts, bytes] = [0, 0, 0, 0];
  const progress = (): FolderProgress => ({ accepted, skipped, conflicts, bytes, reasons: { ...reasons } });
  const seen = new LabelConflicts();
  const compare = ({ id, path, label }: IngestedFile) => {
    const conflict = label === undefined ? undefined : seen.note(id, path, label);
    if (conflict === undefined) return;
    conflicts += 1;
    onConflict?.(conflict);
  };
  const skip = (file: SkippedFile) => {
    skipped += 1;
    reasons[file.reason] = (reasons[file.reason] ?? 0) + 1;
    onSkip?.(file);
    onProgress?.(progress());
  };

  const pending: Promise<FileOutcome>[] = [];
  const finishNext = async function* (): AsyncGenerator<IngestedFile> {
    const outcome = await pending.shift();
    if (!outcome) return;
    if ('reason' in outcome) return skip(outcome);
    accepted += 1;
    bytes += outcome.byteLength;
    compare(outcome.file);
    onProgress?.(progress());
    yield outcome.file;
  };

  try {
    for await (const found of walkFolder(options.root)) {
      signal.throwIfAborted();
      pending.push(
        'reason' in found ? Promise.resolve(found) : ingestFile({ ...options, signal }, found.path),
      );
      // An error is thrown when its file is next, not while an earlier one is awaited.
      pending.at(-1)?.catch(() => {});
      if (pending.length >= inFlight) yield* finishNext();
    }
    while (pending.length > 0) yield* finishNext();
    return progress();
  } finally {
    left.abort();
    await Promise.allSettled(pending);
  }
}

type FileOutcome = { readonly file: IngestedFile; readonly byteLength: number } | SkippedFile;

async function ingestFile(options: FolderOptions, path: string): Promise<FileOutcome> {
  const image = await readFolderImage(options.root, path, options.maxBytes);
  if ('reason' in image) return image;
  try {
    const { id } = await retryAccept(() => options.accept(image), options.signal);
    return { file: { id, path, label: image.label }, byteLength: image.bytes.length };
  } catch (thrown) {
    const error = asHeadwaterError(thrown);
    if (error.verdict !== 'dead-letter') throw thrown;
    return { path, reason: error.code, detail: error.message };
  }
}

const LONGEST_PAUSE_MS = 5_000;

/** Retries errors with the verdict retry, with exponential backoff, until the signal aborts. */
async function retryAccept<T>(accept: () => Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  for (let pause = 50; ; pause = Math.min(2 * pause, LONGEST_PAUSE_MS)) {
    try {
      return await accept();
    } catch (thrown) {
      const error: HeadwaterError = asHeadwaterError(thrown);
      if (error.verdict !== 'retry') throw thrown;
      await sleep(pause, undefined, signal ? { signal } : {});
    }
  }
}
