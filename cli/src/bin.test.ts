/** What npm links must be there before anything is built: `npm ci` passes over a command whose file is missing. */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';

const cli = new URL('../', import.meta.url);
const { bin } = JSON.parse(readFileSync(new URL('package.json', cli), 'utf8')) as {
  bin: { headwater: string };
};
const folder = mkdtempSync(join(tmpdir(), 'headwater-bin-'));

function run() {
  return spawnSync(process.execPath, [join(folder, bin.headwater), 'topics'], { encoding: 'utf8' });
}

beforeAll(() => {
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
  cpSync(new URL(bin.headwater, cli), join(folder, bin.headwater));
});

afterAll(() => rmSync(folder, { recursive: true }));

it('the linked command is not a build output, and reports a missing build', () => {
  expect(bin.headwater).not.toContain('dist');
  const { status, stderr } = run();
  expect(status).toBe(2);
  expect(stderr).toContain('npm run build');
});

it('the linked command runs the build with its arguments', () => {
  mkdirSync(join(folder, 'dist'));
  writeFileSync(join(folder, 'dist/main.js'), 'console.log(process.argv.slice(2).join());');
  expect(run().stdout).toBe('topics\n');
});
