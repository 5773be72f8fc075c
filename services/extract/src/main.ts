/** Extract as a process of its own, configured by environment variables. */
import { runService } from '@headwater/service-kit';
import { extractEnvironment } from './environment.ts';
import { startExtract } from './service.ts';

await runService({ name: 'extract', environment: extractEnvironment, start: startExtract });
