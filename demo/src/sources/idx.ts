/**
 * Reads idx files, the format of MNIST: a magic number, the sizes, then raw bytes. The reader of the MNIST
 * package makes nested arrays of numbers, which needs too much memory.
 */
import { closeSync, openSync, readSync } from 'node:fs';
import { HeadwaterError } from '@headwater/errors';

const imagesMagic = 0x0803;
const labelsMagic = 0x0801;

/** Images of one idx file, read one at a time: the file has 47 MB. */
interface IdxImages {
  readonly count: number;
  readonly width: number;
  readonly height: number;
  /** Row by row, 0 is background. */
  read(index: number): Uint8Array;
  close(): void;
}

/** Errors: image-unreadable when the file is not an idx file of images. */
export function openIdxImages(path: string): IdxImages {
  const file = openSync(path, 'r');
  const header = readAt(file, path, 0, 16);
  if (header.readUInt32BE(0) !== imagesMagic) throw damaged(path);
  const [count, height, width] = [header.readUInt32BE(4), header.readUInt32BE(8), header.readUInt32BE(12)];
  return {
    count,
    width,
    height,
    read: (index) => readAt(file, path, 16 + index * width * height, width * height),
    close: () => closeSync(file),
  };
}

/** One label a byte. Errors: image-unreadable when the file is not an idx file of labels. */
export function readIdxLabels(path: string): Uint8Array {
  const file = openSync(path, 'r');
  try {
    const header = readAt(file, path, 0, 8);
    if (header.readUInt32BE(0) !== labelsMagic) throw damaged(path);
    return readAt(file, path, 8, header.readUInt32BE(4));
  } finally {
    closeSync(file);
  }
}

function readAt(file: number, path: string, position: number, length: number): Buffer {
  const bytes = Buffer.alloc(length);
  if (readSync(file, bytes, 0, length, position) !== length) throw damaged(path);
  return bytes;
}

function damaged(path: string): HeadwaterError {
  return new HeadwaterError('image-unreadable', `${path} is not a complete idx file`, { verdict: 'stop' });
}
