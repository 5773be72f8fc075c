/**
 * The user's folder as a stream. Every file is sent; the service decides by its bytes whether it is an image.
 * The name of the first sub-folder is the label; files at the top have none.
 */
import { basename, resolve } from 'node:path';
import { asHeadwaterError, HeadwaterError } from '@headwater/errors';
import { LabelConflicts, readFolderImage, type SkippedFile, walkFolder } from '@headwater/ingest';
import { readLabel } from '@headwater/schemas';
import { type ImageSource, imageIdOf, type SourceImage } from './image-source.ts';
import { createPermutation } from './permutation.ts';

const orderSeed = 1;

export interface FolderOptions {
  readonly folder: string;
  readonly task: string;
  readonly extractor: string;
  /** Larger files are skipped unread; bytes. */
  readonly maxBytes: number;
  /** Called for each skipped file or folder. */
  readonly onSkipped: (file: SkippedFile) => void;
  /** Called with a message for each file that has the bytes of an earlier file and another label. */
  readonly onConflict?: (message: string) => void;
}

/** Errors: request-invalid when there is no such folder, or it holds no files. */
export async function createFolderSource(options: FolderOptions): Promise<ImageSource> {
  const root = resolve(options.folder);
  const files = await listFiles(root, options.onSkipped);
  if (files.length === 0) throw invalid(`no files in ${root}`);
  // Each sub-folder has one class: shuffled, so that training does not get one class after the other.
  const permute = createPermutation(files.length, orderSeed);
  return {
    name: basename(root),
    task: options.task,
    extractor: options.extractor,
    seen: new Set(),
    size: files.length,
    async *images(limit) {
      const conflicts = new LabelConflicts();
      for (let index = 0; index < Math.min(limit, files.length); index++) {
        const path = files[permute(index)];
        const image = path === undefined ? undefined : await readImage(root, path, options);
        if (image === undefined) continue;
        reportConflict(conflicts, image, options);
        yield image;
      }
    },
  };
}

async function readImage(
  root: string,
  path: string,
  { maxBytes, onSkipped }: FolderOptions,
): Promise<SourceImage | undefined> {
  const image = await readFolderImage(root, path, maxBytes);
  if ('reason' in image) {
    onSkipped(image);
    return undefined;
  }
  try {
    const label = image.label === undefined ? null : readLabel(image.label);
    return { name: path, bytes: image.bytes, label };
  } catch (error) {
    onSkipped({ path, reason: 'label-invalid', detail: asHeadwaterError(error).message });
    return undefined;
  }
}

function reportConflict(conflicts: LabelConflicts, image: SourceImage, { onConflict }: FolderOptions): void {
  if (image.label === null) return;
  const { former, label, path } = conflicts.note(imageIdOf(image), image.name, image.label) ?? {};
  if (former === undefined) return;
  onConflict?.(`${path}: identical bytes had the label ${former}; using the later label, ${label}`);
}

/** Paths in a fixed order, without hidden files and links. */
async function listFiles(root: string, onSkipped: (file: SkippedFile) => void): Promise<string[]> {
  const files: string[] = [];
  try {
    for await (const found of walkFolder(root)) {
      if (!('reason' in found)) files.push(found.path);
      else if (found.reason !== 'hidden') onSkipped(found);
    }
  } catch (cause) {
    throw invalid(`cannot read the folder ${root}`, cause);
  }
  return files;
}

function invalid(message: string, cause?: unknown): HeadwaterError {
  return new HeadwaterError('request-invalid', message, { verdict: 'stop', cause });
}
