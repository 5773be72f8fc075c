/** Ingest as a process of its own. */
import { runService } from '@headwater/service-kit';
import { ingestEnvironment } from './environment.ts';
import { startIngest } from './service.ts';

await runService({ name: 'ingest', environment: ingestEnvironment, start: startIngest });
