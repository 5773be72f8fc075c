/** Heads and labelled sets as files: out of one cluster, and into another. */
export { chooseFormat, type ExampleFormat, exampleFormats, type SetHeader } from './example-files/index.ts';
export { type ExportExamplesOptions, exportExamples } from './examples-export.ts';
export {
  type ImportExamplesOptions,
  type ImportReport,
  type ImportSoFar,
  importExamples,
} from './examples-import.ts';
export { type ClusterClients, HeadCatalog, type HeadFilter, type WholeHead } from './head-catalog.ts';
export { decodeHeadFile, encodeHeadFile, type HeadFile } from './head-file.ts';
export { type ImportedHead, importHead } from './head-import.ts';
export { forgetWatermarks } from './head-watermarks.ts';
