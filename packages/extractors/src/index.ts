/** Image to vector: engines, nets and the extractor table. No Kafka here. */
export type * from './api.ts';
export {
  type FitOptions,
  type FitProgress,
  type FitSummary,
  type FittedLink,
  fitChain,
  type Sample,
  type SampleRecord,
} from './chains/fit-chain.ts';
export { fitPart, type MergeSummary, mergeParts, type PartSummary } from './chains/fit-parts.ts';
export { type MethodEntry, methodEntries } from './chains/method-entries.ts';
export { type Provider, providers } from './engines/api.ts';
export { isExtractorFile } from './extractor-file.ts';
export { describeExtractor, describeWeights, extractorIds } from './extractors/table.ts';
export { Gate } from './gate.ts';
export { type DecoderProcessesOptions, isolateDecoding } from './images/decoder-processes.ts';
export { describeNetFile, idOfExtractorFile, openExtractor } from './open-extractor.ts';
export type { SourceRecord } from './stages/api.ts';
