/** `npm run test:node`: the digits and the unit tests on other versions of Node, whose digests must equal those of this one. */
import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { commonHelp, commonOptions, countOf, createProgressLog, runTrial } from '../trial.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const testedPackages = ['packages/log', 'packages/heads', 'packages/schemas'];
const usualVersions = ['22', '24'];
const usualImages = 500;

const help = `npm run test:node -- [options] [versions]

Installs each version of Node (default ${usualVersions.join(' ')}) from the npm package "node" into a folder of its own, runs the digits with
it and with the Node that runs this command, and compares headDigest and setDigest. Then the unit tests of
${testedPackages.join(', ')} run on each version.

  --images N      default ${usualImages}
  --no-tests      compares digests alone
${commonHelp('all digests are equal and all tests passed', 'a digest differs or a test failed')}`;

interface Options {
  readonly versions: readonly string[];
  readonly images: number;
  readonly withTests: boolean;
}

interface Result {
  readonly node: string;
  readonly headDigest: string;
  readonly setDigest: string;
  /** Of Node, e.g. of deprecations. */
  readonly warnings: readonly string[];
  /** Undefined where they were not run. */
  readonly testsPassed?: boolean;
}

interface Summary {
  readonly images: number;
  readonly results: readonly Result[];
}

interface Output {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

const say = createProgressLog('node');

/** Resolves to the exit code. */
export function main(args: readonly string[]): Promise<number> {
  return runTrial<Options, Summary>(
    { help, readOptions, run, isRight, formatError: ({ message }) => message },
    args,
  );
}

function readOptions(args: readonly string[]): Options | undefined {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: { ...commonOptions, images: { type: 'string' }, 'no-tests': { type: 'boolean' } },
  });
  if (values.help) return undefined;
  const versions = positionals.length > 0 ? positionals : usualVersions;
  for (const version of versions) {
    if (!/^\d+(\.\d+){0,2}$/.test(version))
      throw new Error(`${version}: expected a version, e.g. 22 or 22.12.0`);
  }
  return { versions, images: countOf('images', values.images, usualImages), withTests: !values['no-tests'] };
}

function isRight({ results }: Summary): boolean {
  const digests = new Set(results.map(({ headDigest, setDigest }) => `${headDigest} ${setDigest}`));
  return digests.size === 1 && results.every(({ testsPassed }) => testsPassed !== false);
}

async function run({ versions, images, withTests }: Options, signal: AbortSignal): Promise<Summary> {
  const folder = await mkdtemp(join(tmpdir(), 'headwater-node-'));
  try {
    const results = [await runDigits(process.execPath, images, signal)];
    for (const version of versions) {
      const node = await install(version, folder, signal);
      const result = await runDigits(node, images, signal);
      results.push(withTests ? { ...result, testsPassed: await runTests(node, signal) } : result);
    }
    return { images, results };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Resolves to the path of its program. */
async function install(version: string, parent: string, signal: AbortSignal): Promise<string> {
  const folder = await mkdtemp(join(parent, `${version}-`));
  await writeFile(join(folder, 'package.json'), '{"private":true}');
  say(`installing node@${version}`);
  // The package puts its program in place with an install script.
  const options = ['--ignore-scripts=false', '--no-audit', '--no-fund'];
  const npm = await execute('npm', ['install', ...options, `node@${version}`], { cwd: folder, signal });
  if (npm.code !== 0) throw new Error(`node@${version} cannot be installed:\n${npm.stderr}`);
  return join(folder, 'node_modules/node/bin/node');
}

async function runDigits(node: string, images: number, signal: AbortSignal): Promise<Result> {
  const version = (await onNode(node, ['--version'], signal)).stdout.trim();
  say(`${version}: ${images} digits`);
  const command = ['cli/dist/main.js', 'start', '--images', String(images), '--exit', '--json'];
  const { code, stdout, stderr } = await onNode(node, command, signal);
  if (code !== 0) throw new Error(`${version}: headwater start ended with ${code}:\n${stderr}`);
  const { headDigest, setDigest } = JSON.parse(stdout.trim().split('\n').at(-1) ?? '');
  const warnings = stderr.split('\n').filter((line) => /^\(node:\d+\) /.test(line));
  say(`${version}: head ${headDigest}, set ${setDigest}${warnings.map((line) => `\n  ${line}`).join('')}`);
  return { node: version, headDigest, setDigest, warnings };
}

async function runTests(node: string, signal: AbortSignal): Promise<boolean> {
  const vitest = 'node_modules/vitest/vitest.mjs';
  const { code, stdout, stderr } = await onNode(
    node,
    [vitest, 'run', '--project', 'unit', ...testedPackages],
    signal,
  );
  process.stderr.write(code === 0 ? '' : `${stdout}${stderr}`);
  say(`unit tests: ${code === 0 ? 'passed' : 'failed'}`);
  return code === 0;
}

/** Child processes find the same Node by PATH. */
function onNode(node: string, args: readonly string[], signal: AbortSignal): Promise<Output> {
  const PATH = `${dirname(node)}${delimiter}${process.env.PATH ?? ''}`;
  return execute(node, args, { cwd: root, env: { ...process.env, PATH }, signal });
}

function execute(
  command: string,
  args: readonly string[],
  options: { readonly cwd: string; readonly env?: NodeJS.ProcessEnv; readonly signal: AbortSignal },
): Promise<Output> {
  const child = spawn(command, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, stdout, stderr }));
  });
}
