/** Runs one of the readers in Python, and hands on what it prints, line by line. */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { openPython } from '../../interop/python.ts';

/** `order` goes to its standard input as JSON. Errors: where Python is missing, or the script fails; its own words. */
export async function* runPython(script: string, order: object): AsyncGenerator<string> {
  const path = fileURLToPath(new URL(`python/${script}`, import.meta.url));
  const child = spawn(await openPython(), [path], {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { PATH: process.env.PATH ?? '', PYTHONDONTWRITEBYTECODE: '1', PYTHONUTF8: '1' },
  });
  let complaints = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    complaints = (complaints + text).slice(-4_000);
  });
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  ended.catch(() => undefined);
  child.stdin.end(JSON.stringify(order));
  yield* createInterface({ input: child.stdout });
  const code = await ended;
  if (code !== 0) throw new Error(`the topics could not be read (${code}):\n${complaints}`);
}
