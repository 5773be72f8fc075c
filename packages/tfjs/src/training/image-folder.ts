/**
 * A folder of images as a training set: its sub-folders are the classes. Every image is fitted whole into a square of gray
 * pixels.
 */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { HeadwaterError } from '@headwater/errors';
import { decodeImage, defaultLimits, type Preprocessing } from '@headwater/extractors';
import type { LabelledImages } from './labelled-images.ts';

export interface FolderOptions {
  /** Side in pixels, default 28. */
  readonly side?: number;
  /** Called for each image that cannot be read; it is skipped. */
  readonly onSkip?: (path: string, error: HeadwaterError) => void;
}

/** All images are in memory during training. */
const mostImages = 200_000;
const mostClasses = 255;

/** Sorted by name, so that a folder is the same set on every machine. */
async function namesIn(folder: string, kind: 'folders' | 'files'): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch((cause: unknown) => {
    throw new HeadwaterError('config-invalid', `folder ${folder} cannot be read`, { cause });
  });
  const wanted = entries.filter((entry) => (kind === 'folders' ? entry.isDirectory() : entry.isFile()));
  return wanted
    .map(({ name }) => name)
    .filter((name) => !name.startsWith('.'))
    .sort();
}

interface Found {
  readonly path: string;
  readonly label: number;
}

async function find(folder: string, classes: readonly string[]): Promise<Found[]> {
  const found: Found[] = [];
  for (const [label, name] of classes.entries()) {
    for (const file of await namesIn(join(folder, name), 'files'))
      found.push({ path: join(folder, name, file), label });
    if (found.length > mostImages) {
      throw new HeadwaterError('limit-exceeded', `folder ${folder} has more than ${mostImages} images`);
    }
  }
  return found;
}

async function read(
  path: string,
  preprocessing: Preprocessing,
  options: FolderOptions,
): Promise<Uint8Array | undefined> {
  try {
    return await decodeImage(await readFile(path), preprocessing, defaultLimits);
  } catch (error) {
    if (!(error instanceof HeadwaterError)) throw error;
    options.onSkip?.(path, error);
    return undefined;
  }
}

/** Errors: config-invalid (no folder, fewer than two classes, no images), limit-exceeded. */
export async function readImageFolder(folder: string, options: FolderOptions = {}): Promise<LabelledImages> {
  const { side = 28 } = options;
  const classes = await namesIn(folder, 'folders');
  if (classes.length < 2 || classes.length > mostClasses) {
    const message = `folder ${folder} must have 2 to ${mostClasses} sub-folders, one for each class; it has ${classes.length}`;
    throw new HeadwaterError('config-invalid', message);
  }
  const preprocessing: Preprocessing = {
    colour: 'gray',
    side,
    fit: 'contain',
    resizedSide: side,
    kernel: 'cubic',
    background: 0,
  };
  const found = await find(folder, classes);
  const pixels = new Uint8Array(found.length * side ** 2);
  const labels = new Uint8Array(found.length);
  let count = 0;
  for (const { path, label } of found) {
    const image = await read(path, preprocessing, options);
    if (!image) continue;
    pixels.set(image, count * side ** 2);
    labels[count] = label;
    count += 1;
  }
  if (count === 0) throw new HeadwaterError('config-invalid', `folder ${folder} has no readable image`);
  return {
    count,
    side,
    channels: 1,
    classes,
    pixels: pixels.subarray(0, count * side ** 2),
    labels: labels.subarray(0, count),
  };
}
