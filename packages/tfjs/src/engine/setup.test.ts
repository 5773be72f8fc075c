/** `npm run setup:tensorflow` before it changes anything: its checks, and its messages for missing prerequisites. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it, onTestFinished } from 'vitest';

const script = fileURLToPath(new URL('../../../../deploy/tensorflow/setup.mjs', import.meta.url));

function setUp(args: readonly string[]) {
  const folder = mkdtempSync(join(tmpdir(), 'setup-tensorflow-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  // Nothing can be found on this path: no Python, no make, no compiler.
  const env = { TENSORFLOW_DIR: folder, PATH: folder };
  const result = spawnSync(process.execPath, [script, ...args], { env, encoding: 'utf8' });
  expect(readdirSync(folder)).toEqual([]);
  return result;
}

it('setup:tensorflow reports all missing prerequisites at once and leaves nothing behind', () => {
  const { status, stderr } = setUp([]);
  expect(status).toBe(1);
  expect(stderr).toMatch(/missing: .*Python 3 with pip.*make.*C\+\+ compiler.*\(prerequisite-missing\)/);
});

it('setup:tensorflow lists its options', () => {
  expect(setUp(['--help'])).toMatchObject({ status: 0, stdout: expect.stringContaining('--gpu') });
  expect(setUp(['--cuda'])).toMatchObject({ status: 2, stderr: expect.stringContaining('no option --cuda') });
});
