/** The entry. */
import { importSource } from '../import-source.mjs';

const program = await importSource(new URL('program.ts', import.meta.url));
process.exit(await program.main(process.argv.slice(2)));
