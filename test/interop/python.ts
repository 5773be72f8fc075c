/** Python environment with pinned packages, created once, and pytest in it. */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { endOf, runChild } from '../child-process.ts';
import { interopFolder, keptFolder } from './files.ts';

const requirements = join(interopFolder, 'requirements.txt');

/**
 * The interpreter of a virtual environment with the requirements. It cannot be moved, so a marker shows that
 * it is complete.
 */
export async function openPython(): Promise<string> {
  const digest = createHash('sha256').update(readFileSync(requirements)).digest('hex').slice(0, 12);
  const folder = join(keptFolder, `python-${digest}`);
  const python = join(folder, 'bin', 'python');
  const complete = join(folder, 'complete');
  if (existsSync(complete)) return python;
  const logFile = join(keptFolder, 'python.log');
  await runChild({ command: 'python3', args: ['-m', 'venv', '--clear', folder], logFile });
  const install = ['-m', 'pip', 'install', '--quiet', '--no-deps', '-r', requirements];
  await runChild({ command: python, args: install, logFile, env: inherited() });
  await writeFile(complete, '');
  return python;
}

/** pip is configured by the environment where packages come from a mirror. */
function inherited(): Record<string, string> {
  const entries = Object.entries(process.env).filter(([name]) =>
    /^(PIP_|SSL_|HTTPS?_PROXY|NO_PROXY)/i.test(name),
  );
  return Object.fromEntries(entries.map(([name, value]) => [name, value ?? '']));
}

/** Runs the tests in `python/`; returns the last line of their output, and on failure throws its end. */
export async function runPytest(env: Readonly<Record<string, string>>, logFile: string): Promise<string> {
  const python = await openPython();
  const folder = join(interopFolder, 'python');
  const args = ['-m', 'pytest', '-x', '-q', '-p', 'no:cacheprovider', '--rootdir', folder, folder];
  await runChild({ command: python, args, logFile, env: { ...env, PYTHONDONTWRITEBYTECODE: '1' } });
  return endOf(logFile).trimEnd().split('\n').at(-1) ?? '';
}
