/** Classify as a process of its own, configured by environment variables. */
import { runService } from '@headwater/service-kit';
import { classifyEnvironment } from './environment.ts';
import { startClassify } from './service.ts';

await runService({ name: 'classify', environment: classifyEnvironment, start: startClassify });
