/**
 * Builds TensorFlow.js' native binding, which computes several times faster than WebAssembly: `npm run setup:tensorflow [-- --gpu]`.
 *
 * The package would download TensorFlow's C library from a host of its own, in an install script. This takes the library out of
 * TensorFlow's Python wheel instead, pinned by its hash, and compiles the small addon against it. All of it goes to
 * `.headwater/tensorflow`, outside of node_modules: `npm ci` leaves it alone, `npm rebuild` can't break it, and whoever does not want
 * it downloads nothing. What is done already is not done again.
 */
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const usage = `npm run setup:tensorflow [-- --gpu] [-- --force]

Builds TensorFlow.js' native binding into .headwater/tensorflow (or TENSORFLOW_DIR): 200 MB are downloaded (475 with --gpu).
Needs Linux on x64, Node 20 or 22, Python 3 with pip, make and a C++ compiler; --gpu also an NVIDIA driver and CUDA 12.2 with cuDNN 8.9.

  --gpu    for NVIDIA GPUs
  --force  build again, even if it is there
`;

const variants = {
  cpu: {
    package: '@tensorflow/tfjs-node',
    wheel: 'tensorflow-cpu==2.15.1',
    sha256: '54660c074d7241a503e81edfd9f5ef5af88f64051b72e2945f26318c790f2d26',
  },
  gpu: {
    package: '@tensorflow/tfjs-node-gpu',
    wheel: 'tensorflow==2.15.1',
    sha256: 'bb0edd69103c154245c5f209f0507355cc68ba7e4de350084bc31edc562478e4',
  },
};

const options = new Set(process.argv.slice(2));

/** Something that a person has to see to. */
class SetupError extends Error {}

async function main() {
  const name = options.has('--gpu') ? 'gpu' : 'cpu';
  const variant = variants[name];
  const base = process.env.TENSORFLOW_DIR ?? join(here, '..', '..', '.headwater', 'tensorflow');
  const folder = join(base, name);
  const stampFile = join(folder, 'built.json');
  const stamp = JSON.stringify({
    ...variant,
    lock: createHash('sha256')
      .update(readFileSync(join(here, name, 'package-lock.json')))
      .digest('hex'),
  });
  const isBuilt =
    existsSync(stampFile) && readFileSync(stampFile, 'utf8') === stamp && !options.has('--force');
  if (!isBuilt) await build(name, variant, folder);
  say('trying it');
  const found = await tryOut(folder, variant.package);
  writeFileSync(stampFile, stamp);
  process.stdout.write(`${JSON.stringify({ folder, ...found })}\n`);
}

async function build(name, variant, folder) {
  const python = checkPrerequisites();
  mkdirSync(folder, { recursive: true });
  for (const file of ['package.json', 'package-lock.json'])
    copyFileSync(join(here, name, file), join(folder, file));
  say(`1/4 ${variant.package} from the npm registry`);
  await run('npm', ['ci', '--ignore-scripts', '--no-fund', '--no-audit'], folder);
  say(`2/4 ${variant.wheel} from the Python package index, for its library`);
  const wheels = join(folder, 'wheel');
  await download(python, variant, wheels);
  say('3/4 taking library and headers out of it');
  const addon = join(folder, 'node_modules', variant.package);
  await extract(python, wheels, join(addon, 'deps'));
  rmSync(wheels, { recursive: true });
  say('4/4 compiling the addon');
  await run('npm', ['run', 'build-addon-from-source', '--', ...headerOptions()], addon);
}

function say(text) {
  process.stderr.write(`setup:tensorflow: ${text}\n`);
}

/** The name of Python here. Everything that is missing is said at once. */
function checkPrerequisites() {
  const missing = [];
  if (process.platform !== 'linux' || process.arch !== 'x64') missing.push('Linux on x64');
  const [major = 0] = process.versions.node.split('.').map(Number);
  if (major >= 23) missing.push('Node 20 or 22 (TensorFlow.js 4.22 does not run on newer ones)');
  const python = ['python3', 'python'].find((command) => works(command, ['-m', 'pip', '--version']));
  if (!python) missing.push('Python 3 with pip (python3-pip)');
  if (!works('make', ['--version'])) missing.push('make');
  if (!works(process.env.CXX ?? 'g++', ['--version'])) missing.push('a C++ compiler (g++)');
  if (missing.length === 0) return python;
  throw new SetupError(`missing: ${missing.join('; ')} (prerequisite-missing)`);
}

function works(command, args) {
  return spawnSync(command, args, { stdio: 'ignore' }).status === 0;
}

/** Standard output of the tools is progress, too: it goes to standard error. */
function run(command, args, cwd) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd, stdio: ['ignore', 2, 2] });
    child.on('error', reject);
    child.on('exit', (code, signal) => {
      if (code === 0) resolve();
      else
        reject(
          new SetupError(
            `${command} ${args[0]} ended with ${signal ?? `code ${code}`}; its reason stands above`,
          ),
        );
    });
  });
}

/** pip holds the wheel to its hash. The wheel is for one version of Python; only its library matters here. */
async function download(python, { wheel, sha256 }, to) {
  mkdirSync(to, { recursive: true });
  const requirements = join(to, 'requirements.txt');
  writeFileSync(requirements, `${wheel} --hash=sha256:${sha256}\n`);
  const target = [
    '--python-version',
    '3.11',
    '--platform',
    'manylinux_2_17_x86_64',
    '--implementation',
    'cp',
  ];
  const args = ['-m', 'pip', 'download', '--no-deps', '--only-binary=:all:', '--require-hashes', ...target];
  await run(python, [...args, '--dest', to, '-r', requirements], to);
}

async function extract(python, wheels, deps) {
  await run(python, [join(here, 'extract.py'), wheels, deps], wheels);
  const libraries = join(deps, 'lib');
  symlinkSync('libtensorflow_cc.so.2', join(libraries, 'libtensorflow.so'));
  symlinkSync('libtensorflow_framework.so.2', join(libraries, 'libtensorflow_framework.so'));
}

/** Node's headers, where they came with it; otherwise node-gyp downloads them. */
function headerOptions() {
  const prefix = dirname(dirname(process.execPath));
  return existsSync(join(prefix, 'include', 'node', 'node_api.h')) ? [`--nodedir=${prefix}`] : [];
}

/** In a process of its own: a library that does not fit can end it. */
async function tryOut(folder, packageName) {
  const environment = { ...process.env, TF_CPP_MIN_LOG_LEVEL: '2' };
  const args = [join(here, 'try.cjs'), join(folder, 'node_modules', packageName)];
  const result = spawnSync(process.execPath, args, { env: environment, encoding: 'utf8' });
  if (result.status === 0) return JSON.parse(result.stdout.slice(result.stdout.lastIndexOf('{')));
  throw new SetupError(`the binding does not load:\n${result.stderr}`);
}

const unknown = [...options].filter((option) => !['--gpu', '--force', '--help', '-h'].includes(option));
if (options.has('--help') || options.has('-h')) {
  process.stdout.write(usage);
} else if (unknown.length > 0) {
  process.stderr.write(`setup:tensorflow: there is no option ${unknown.join(' ')}\n\n${usage}`);
  process.exitCode = 2;
} else {
  await main().catch((error) => {
    process.stderr.write(`setup:tensorflow: ${error.message}\n`);
    if (!(error instanceof SetupError)) process.stderr.write(`${error.stack}\n`);
    process.exitCode = 1;
  });
}
