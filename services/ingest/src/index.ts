/** HTTP and folder sources to images and labels. */
export { type IngestConfig, ingestEnvironment } from './environment.ts';
export {
  type FolderOptions,
  type FolderProgress,
  type IngestedFile,
  ingestFolder,
} from './folders/folder-ingest.ts';
export {
  type FolderImage,
  type FoundFile,
  namedSkips,
  readFolderImage,
  type SkippedFile,
  walkFolder,
} from './folders/folder-walk.ts';
export { type LabelConflict, LabelConflicts } from './folders/label-conflicts.ts';
export { ingestAccess } from './http/access.ts';
export { readImageFields } from './http/image-fields.ts';
export { createClock } from './intake/clock.ts';
export { type ImageFacts, type ImageLimits, inspectImage } from './intake/inspection.ts';
export { readCsv } from './labels/csv.ts';
export { readJsonLines } from './labels/json-lines.ts';
export { createLabelWriter } from './labels/label-writer.ts';
export { loadLabels } from './labels/load.ts';
export { startIngest } from './service.ts';
