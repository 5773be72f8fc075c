/** Images to vectors. */
export { type ExtractConfig, extractEnvironment } from './environment.ts';
export { type ExtractAgain, openExtractAgain } from './extraction/extract-again.ts';
export { startExtract } from './service.ts';
