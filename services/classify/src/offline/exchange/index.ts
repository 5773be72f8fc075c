/** Exports heads and training sets to files, and imports them. */
export {
  type ClusterClients,
  HeadCatalog,
  type HeadFilter,
  type WholeHead,
} from '../../model-registry/head-catalog.ts';
export { chooseFormat, type ExampleFormat, exampleFormats, type SetHeader } from './example-files/index.ts';
export { type ExportExamplesOptions, exportExamples } from './examples-export.ts';
export { importExamples } from './examples-import.ts';
export { decodeHeadFile, encodeHeadFile, type HeadFile } from './head-file.ts';
export { type ImportedHead, importHead } from './head-import.ts';
export { resetWatermarks } from './head-watermarks.ts';
export type { ImportExamplesOptions, ImportReport, ImportSoFar } from './import-options.ts';
