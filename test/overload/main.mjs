/** The entry: Node 20 runs no TypeScript, and vite (which the tests bring) does. */
import { fileURLToPath } from 'node:url';
import { runnerImport } from 'vite';

const at = (path) => fileURLToPath(new URL(path, import.meta.url));
const { module: program } = await runnerImport(at('program.ts'), {
  root: at('../..'),
  configFile: false,
  logLevel: 'error',
  // Packages of the workspace are taken as they were built.
  ssr: { external: true },
  resolve: { external: true },
});
process.exit(await program.main(process.argv.slice(2)));
