/** Images to vectors. */
export { type ExtractConfig, extractEnvironment } from './environment.ts';
export { startExtract } from './service.ts';
