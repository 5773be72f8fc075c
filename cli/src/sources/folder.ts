/**
 * A folder of one's own as a stream: every file below it is offered, and the service that receives it decides by
 * its bytes whether it is an image. The first sub-folder's name is the label; files at the top have none.
 */
import { readdir, readFile, stat } from 'node:fs/promises';
import { basename, join, relative, resolve, sep } from 'node:path';
import { HeadwaterError } from '@headwater/errors';
import { createPermutation } from '../digits/permutation.ts';
import type { ImageSource, SourceImage } from './api.ts';

const orderSeed = 1;

export interface FolderOptions {
  readonly folder: string;
  readonly task: string;
  readonly extractor: string;
  /** Larger files are left out before they are read; bytes. */
  readonly maxBytes: number;
  /** Told of each file that is left out. */
  readonly onSkipped: (reason: string) => void;
}

/** Errors: request-invalid when there is no such folder, or it holds no files. */
export async function createFolderSource(options: FolderOptions): Promise<ImageSource> {
  const root = resolve(options.folder);
  const files = await listFiles(root);
  if (files.length === 0) throw invalid(`there are no files in ${root}`);
  // Sub-folders hold one class each; a stream of all of one, then all of the next, would teach oddly.
  const permute = createPermutation(files.length, orderSeed);
  return {
    name: basename(root),
    task: options.task,
    extractor: options.extractor,
    seen: new Set(),
    size: files.length,
    async *images(limit) {
      for (let index = 0; index < Math.min(limit, files.length); index++) {
        const path = files[permute(index)];
        const image = path === undefined ? undefined : await readImage(root, path, options);
        if (image !== undefined) yield image;
      }
    },
  };
}

async function readImage(
  root: string,
  path: string,
  { maxBytes, onSkipped }: FolderOptions,
): Promise<SourceImage | undefined> {
  try {
    const { size } = await stat(path);
    if (size === 0 || size > maxBytes) {
      onSkipped(size === 0 ? 'empty file' : 'image-too-large');
      return undefined;
    }
    return { name: relative(root, path), bytes: await readFile(path), label: labelOf(root, path) };
  } catch {
    onSkipped('file cannot be read');
    return undefined;
  }
}

function labelOf(root: string, path: string): string | null {
  const [first, ...rest] = relative(root, path).split(sep);
  return first === undefined || rest.length === 0 ? null : first;
}

/** Regular files below the folder in a fixed order; hidden ones and links are left out. */
async function listFiles(root: string): Promise<string[]> {
  const entries = await readdir(root, { recursive: true, withFileTypes: true }).catch(() => {
    throw invalid(`${root} is not a folder that can be read`);
  });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter(
      (path) =>
        !relative(root, path)
          .split(sep)
          .some((part) => part.startsWith('.')),
    )
    .sort();
}

function invalid(message: string): HeadwaterError {
  return new HeadwaterError('request-invalid', message, { verdict: 'stop' });
}
