/** Threads and processes are sized by the processors that the process may use, which only one file may find out. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { listSources } from './imports.ts';
import { isTest } from './rules.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const owner = 'packages/extractors/src/processors.ts';

function countsProcessors(path: string): boolean {
  return /\bavailableParallelism\b|\bcpus\(|\bhardwareConcurrency\b/.test(
    readFileSync(join(root, path), 'utf8'),
  );
}

it('counts processors in one place only, which knows the CPU quota', () => {
  const sources = ['packages', 'services', 'cli', 'demo', 'deploy', 'schemas']
    .flatMap((folder) => listSources(root, folder))
    .filter((path) => path.includes('/src/') && !isTest(path));
  expect(sources.length).toBeGreaterThan(300);
  expect(sources.filter(countsProcessors)).toEqual([owner]);
});
