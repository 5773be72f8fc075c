/** The example in the README of each package that is meant to be used as a library prints what the README says. */
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

const run = promisify(execFile);

it.each([
  'packages/heads/README.md',
  'packages/schemas/README.md',
  'packages/log/README.md',
  'packages/extractors/README.md',
])('the example in %s prints what the page says', async (path) => {
  const page = await readFile(path, 'utf8');
  const [, code = ''] = /```js\n(.*?)```/s.exec(page) ?? [];
  const [, output = ''] = /```text\n(.*?)```/s.exec(page) ?? [];
  const { stdout } = await run(process.execPath, ['--input-type=module', '--eval', code]);
  expect(code).not.toBe('');
  expect(stdout).toBe(output);
});
