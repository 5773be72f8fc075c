/** Scripts are not type-checked: each name that they import from a package of ours must exist in its build. */
import { readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseSync } from 'oxc-parser';
import { expect, it } from 'vitest';
import { listSources } from './imports.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const scripts = ['bench', 'models', 'test']
  .flatMap((folder) => listSources(root, folder))
  .filter((path) => path.endsWith('.mjs'));

/** Modules of ours that a script imports, with the names that it takes from each. */
function importsOf(script: string): { readonly module: string; readonly names: readonly string[] }[] {
  const { module } = parseSync(script, readFileSync(join(root, script), 'utf8'));
  return module.staticImports
    .map(({ moduleRequest, entries }) => ({
      module: moduleRequest.value,
      names: entries.flatMap(({ importName }) => importName.name ?? []),
    }))
    .filter((one) => one.module.startsWith('@headwater/') || one.module.includes('/dist/'));
}

function locate(script: string, module: string): string {
  return module.startsWith('.') ? pathToFileURL(join(root, posix.dirname(script), module)).href : module;
}

it('has scripts to check', () => {
  expect(scripts.filter((script) => importsOf(script).length > 0).length).toBeGreaterThan(10);
});

it.each(scripts)('%s imports only what packages export', async (script) => {
  for (const { module, names } of importsOf(script)) {
    expect(Object.keys(await import(locate(script, module)))).toEqual(expect.arrayContaining([...names]));
  }
});
