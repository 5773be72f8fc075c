/** Images to vectors. */
export { type ExtractConfig, extractEnvironment } from './environment.ts';
export { openReprocessor, type Reprocessor } from './extraction/extract-again.ts';
export { startExtract } from './service.ts';
