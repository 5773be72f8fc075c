/** A process that runs cases and may be killed by one, which its parent observes. */
import { importSource } from '../import-source.mjs';

const { serveCases } = await importSource(new URL('case-runner.ts', import.meta.url));
await serveCases();
