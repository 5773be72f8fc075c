/**
 * Images from a folder, for a first run on one's own data and for backfills. The walk has a fixed order and the ids are
 * those of the contents, so that a walk that was cut short is simply started again.
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
  /** Accepted files whose bytes an earlier file had, under another label. */
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
  /** Takes an image in, e.g. `Intake.accept` or a POST; an error whose verdict is to retry is retried. */
  readonly accept: (image: FolderImage) => Promise<{ readonly id: string }>;
  readonly maxBytes: number;
  /** Images under way at once; default 16. */
  readonly inFlight?: number;
  readonly signal?: AbortSignal;
  readonly onSkip?: (file: SkippedFile) => void;
  readonly onConflict?: (conflict: LabelConflict) => void;
  readonly onProgress?: (progress: FolderProgress) => void;
}

/**
 * Yields what was accepted, in the order of the walk. Files that are no images are passed over and counted.
 * Errors: those of `accept` whose verdict is to stop, and the signal's reason.
 */
export async function* ingestFolder(options: FolderOptions): AsyncGenerator<IngestedFile, FolderProgress> {
  const { inFlight = 16, onSkip, onConflict, onProgress } = options;
  // Also ends what is under way when the caller leaves its loop early.
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

  const flight: Promise<Landing>[] = [];
  const land = async function* (): AsyncGenerator<IngestedFile> {
    const landing = await flight.shift();
    if (!landing) return;
    if ('reason' in landing) return skip(landing);
    accepted += 1;
    bytes += landing.byteLength;
    compare(landing.file);
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
  const image = await readFolderImage(options.root, path, options.maxBytes);
  if ('reason' in image) return image;
  try {
    const { id } = await untilTaken(() => options.accept(image), options.signal);
    return { file: { id, path, label: image.label }, byteLength: image.bytes.length };
  } catch (thrown) {
    const error = asHeadwaterError(thrown);
    if (error.verdict !== 'dead-letter') throw thrown;
    return { path, reason: error.code, detail: error.message };
  }
}

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
