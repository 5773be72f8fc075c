/** Extractors that users describe in files: their own nets, and chains of methods with their fitting. */
export {
  type FitOptions,
  type FitProgress,
  type FitSummary,
  type FittedStepSummary,
  fitChain,
  type Sample,
  type SampleRecord,
} from './chains/fit-chain.ts';
export { fitPart, type MergeSummary, mergeParts, type PartSummary } from './chains/fit-parts.ts';
export { type MethodEntry, methodEntries } from './chains/method-entries.ts';
export { describeNetFile, idOfExtractorFile, openExtractor } from './open-extractor.ts';
