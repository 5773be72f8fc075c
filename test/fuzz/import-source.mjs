/** Loads a TypeScript module of this folder; packages of the workspace are taken as they were built. */
import { fileURLToPath } from 'node:url';
import { runnerImport } from 'vite';

const at = (path) => fileURLToPath(new URL(path, import.meta.url));

export async function importSource(name) {
  const { module } = await runnerImport(at(name), {
    root: at('../..'),
    configFile: false,
    logLevel: 'error',
    ssr: { external: true },
    resolve: { external: true },
  });
  return module;
}
