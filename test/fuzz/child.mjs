/** A process that runs cases and may die of one: what kills it is to be seen from outside. */
import { importSource } from '../import-source.mjs';

const { serveCases } = await importSource(new URL('case-runner.ts', import.meta.url));
await serveCases();
