/** HTTP and folder sources to images and labels. */
export { type IngestConfig, ingestEnvironment } from './environment.ts';
export { type FolderOptions, type FolderProgress, type IngestedFile, ingestFolder } from './folder.ts';
export {
  type FolderImage,
  type FoundFile,
  namedSkips,
  readFolderImage,
  type SkippedFile,
  walkFolder,
} from './folder-walk.ts';
export { ingestAccess } from './http/access.ts';
export { type ImageFacts, type ImageLimits, inspectImage } from './inspection.ts';
export { type LabelConflict, LabelConflicts } from './label-conflicts.ts';
export { startIngest } from './service.ts';
