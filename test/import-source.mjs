/** Loads a TypeScript module for a program: Node 20 runs none, and vite (which the tests bring) does. Packages of the workspace are taken as they were built. */
import { fileURLToPath } from 'node:url';
import { runnerImport } from 'vite';

export async function importSource(url) {
  const { module } = await runnerImport(fileURLToPath(url), {
    root: fileURLToPath(new URL('..', import.meta.url)),
    configFile: false,
    logLevel: 'error',
    ssr: { external: true },
    resolve: { external: true },
  });
  return module;
}
