/** The entry: Node 20 runs no TypeScript, and vite (which the tests bring) does. */
import { importSource } from './import-source.mjs';

const program = await importSource('program.ts');
process.exit(await program.main(process.argv.slice(2)));
