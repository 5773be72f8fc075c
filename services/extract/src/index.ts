/** Images to vectors. */
export { type ExtractConfig, extractEnvironment } from './environment.ts';
export { openReprocessor, type Reprocessor } from './extraction/reprocessor.ts';
export { startExtract } from './service.ts';
