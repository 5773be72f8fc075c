/**
 * What decoding costs: processor time an image, for JPEG and PNG files of a few sizes, as the extractors of colour and of gray take them.
 * With `--peer`, another checkout decodes the same files in the same run, in turns.
 *
 *   npm run bench -- decode [--images N] [--rounds N] [--only TEXT] [--peer FOLDER] [--json]
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { checkoutsOf, median, medianRatio, readOptions, say } from '../paired.mjs';
import { makePictures } from './pictures.mjs';

const usage = `npm run bench -- decode [options]

  --images N      images of each measurement (3)
  --rounds N      measurements of each file and checkout, in turns (150)
  --only TEXT     only files whose name contains it
  --peer FOLDER   another checkout, built, to compare with
  --json          one JSON object as the last line of standard output
`;

const options = readOptions(usage, {
  images: { type: 'string', default: '3' },
  rounds: { type: 'string', default: '150' },
  only: { type: 'string', default: '' },
});

/** Those of efficientnet-lite0.v1 and lenet-digits.v1. */
const preprocessings = {
  RGB: { side: 224, resizedSide: 256, fit: 'cover', kernel: 'cubic', colour: 'rgb', background: 255 },
  gray: { side: 28, resizedSide: 28, fit: 'contain', kernel: 'cubic', colour: 'gray', background: 0 },
};

const worker = fileURLToPath(new URL('worker.mjs', import.meta.url));

async function startWorker(root) {
  const child = fork(worker, { env: { ...process.env, ROOT: root }, serialization: 'advanced' });
  await once(child, 'message');
  return child;
}

/** Milliseconds of processor time an image. */
async function measure(child, image, preprocessing, times) {
  child.send({ image, preprocessing, times });
  const [ms] = await once(child, 'message');
  return ms / times;
}

/** Short turns in alternating order, so that other load affects both sides equally. */
async function compare(workers, image, preprocessing) {
  const results = Object.fromEntries(Object.keys(workers).map((name) => [name, []]));
  for (const child of Object.values(workers)) await measure(child, image, preprocessing, 5);
  for (let round = 0; round < Number(options.rounds); round += 1) {
    const turns = Object.entries(workers);
    for (const [name, child] of round % 2 ? turns.toReversed() : turns) {
      results[name].push(await measure(child, image, preprocessing, Number(options.images)));
    }
  }
  return results;
}

function summarize(results) {
  const cpuMs = Object.entries(results).map(([name, all]) => [name, Number(median(all).toFixed(3))]);
  const { ours, peer } = results;
  const ratio = peer && Number(medianRatio(ours, peer).toFixed(3));
  return { ...Object.fromEntries(cpuMs), ...(peer && { ratio }) };
}

const pictures = Object.entries(await makePictures()).filter(([name]) => name.includes(options.only));
const workers = {};
const summary = {};
try {
  for (const [name, root] of Object.entries(checkoutsOf(options.peer)))
    workers[name] = await startWorker(root);
  for (const [name, image] of pictures) {
    for (const [colour, preprocessing] of Object.entries(preprocessings)) {
      const figures = summarize(await compare(workers, image, preprocessing));
      summary[`${name}, ${colour}`] = figures;
      say(`${name}, ${colour}: ${JSON.stringify(figures)}`);
    }
  }
} finally {
  for (const child of Object.values(workers)) child.disconnect();
}
if (options.json) process.stdout.write(`${JSON.stringify(summary)}\n`);
