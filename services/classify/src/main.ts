/** Runs classify as a process, configured by environment variables. */
import { runService } from '@headwater/service-kit';
import { classifyEnvironment } from './environment.ts';
import { startClassify } from './service.ts';

await runService({ name: 'classify', environment: classifyEnvironment, start: startClassify });
