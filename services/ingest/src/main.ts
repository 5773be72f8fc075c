/** Ingest as a process of its own. */
import { runService } from '@headwater/stream';
import { ingestEnvironment } from './environment.ts';
import { startIngest } from './service.ts';

await runService({ name: 'ingest', environment: ingestEnvironment, start: startIngest });
