/**
 * The programs that Headwater is compared with, in a virtual environment of their own with pinned versions, made on first use. Each
 * call is one process, on one thread.
 */
import { execFile, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { readNpy, writeNpy } from './npy.mjs';
import { say } from './progress.mjs';

const scripts = fileURLToPath(new URL('python/', import.meta.url));
const requirements = join(scripts, 'requirements.txt');
const run = promisify(execFile);

export async function openPython({ folder, environment }) {
  const python = join(environment, 'bin/python');
  const stamp = join(environment, 'headwater-requirements.txt');
  const wanted = await readFile(requirements, 'utf8');
  if (!existsSync(stamp) || (await readFile(stamp, 'utf8')) !== wanted) {
    say('making a Python environment for the baselines');
    await run('python3', ['-m', 'venv', environment]);
    await run(python, ['-m', 'pip', 'install', '--quiet', '--requirement', requirements]);
    await writeFile(stamp, wanted);
  }
  return {
    versions: Object.fromEntries(
      wanted
        .trim()
        .split('\n')
        .map((line) => line.split('==')),
    ),
    call: (script, request) => call(python, folder, script, request),
  };
}

/**
 * Runs a script in a folder that holds the arrays of `arrays` ({name: {data, shape}}) as name.npy and `parameters` as request.json. It
 * answers with one JSON object on standard output, and with the arrays it names under `arrays`, read back in place of their names.
 */
async function call(python, folder, script, { arrays = {}, parameters = {} }) {
  const work = await mkdtemp(join(folder, 'call-'));
  try {
    for (const [name, { data, shape }] of Object.entries(arrays)) {
      await writeNpy(join(work, `${name}.npy`), data, shape);
    }
    await writeFile(join(work, 'request.json'), JSON.stringify(parameters));
    const answer = JSON.parse(await runScript(python, join(scripts, script), work));
    const back = {};
    for (const name of answer.arrays ?? []) back[name] = await readNpy(join(work, `${name}.npy`));
    return { ...answer, arrays: back };
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

function runScript(python, script, work) {
  return new Promise((resolve, reject) => {
    const child = spawn(python, [script], {
      cwd: work,
      env: oneThread(process.env),
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let output = '';
    child.stdout.setEncoding('utf8').on('data', (text) => {
      output += text;
    });
    child.on('error', reject);
    child.on('close', (code) => {
      if (code === 0) resolve(output.trim().split('\n').at(-1));
      else reject(new Error(`${script} ended with ${code}`));
    });
  });
}

/** One thread for every program; OpenBLAS detects the processor, whatever the shell has set. */
function oneThread(environment) {
  const { OPENBLAS_CORETYPE: _type, OPENBLAS_L2_SIZE: _size, ...rest } = environment;
  return {
    ...rest,
    OPENBLAS_NUM_THREADS: '1',
    OMP_NUM_THREADS: '1',
    MKL_NUM_THREADS: '1',
    PYTHONHASHSEED: '0',
  };
}
