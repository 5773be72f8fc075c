/** HTTP and folder sources to images and labels. */
export { type IngestConfig, ingestEnvironment } from './environment.ts';
export {
  type FolderImage,
  type FolderOptions,
  type FolderProgress,
  type IngestedFile,
  ingestFolder,
  type SkippedFile,
} from './folder.ts';
export { ingestAccess } from './http/access.ts';
export { type ImageFacts, type ImageLimits, inspectImage } from './inspection.ts';
export { startIngest } from './service.ts';
