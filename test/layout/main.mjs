import { fileURLToPath } from 'node:url';
import { importSource } from '../import-source.mjs';

const { checkLayout } = await importSource(new URL('program.ts', import.meta.url));
const faults = checkLayout(fileURLToPath(new URL('../../', import.meta.url)));
for (const fault of faults) process.stderr.write(`${fault}\n`);
process.stderr.write(
  faults.length === 0 ? 'layout: all rules are kept\n' : `layout: ${faults.length} faults\n`,
);
process.exitCode = faults.length === 0 ? 0 : 1;
