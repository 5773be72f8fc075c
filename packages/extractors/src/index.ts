/** Image to vector: engines, nets and the extractor table. No Kafka. */
export type * from './api.ts';
export { EngineExtractor } from './engine-extractor.ts';
export { type Engine, type EngineOptions, type OpenEngine, type Provider, providers } from './engines/api.ts';
export { openOnnxEngine } from './engines/onnx.ts';
export { openWorkerEngine } from './engines/worker-engine.ts';
export type { RunRequest, WorkerMessage, WorkerStart } from './engines/worker-protocol.ts';
export { isExtractorFile, readExtractorFile } from './extractor-file.ts';
export { decodeImage } from './images/decoder.ts';
export { type DecoderProcessesOptions, isolateDecoding } from './images/decoder-processes.ts';
export { defaultLimits } from './images/limits.ts';
export type * from './options.ts';
export { availableProcessors, type ProcessorLimits, processorLimits } from './processors.ts';
export { Semaphore } from './semaphore.ts';
export { StageExtractor } from './stage-extractor.ts';
export {
  type FittedArtefact,
  type Fitting,
  type FittingState,
  type SourceRecord,
  type Stage,
  type StageMethod,
  type Value,
  type ValueType,
  valueTypes,
} from './stages/api.ts';
export { artefactDigest, canonicalJson, sha256 } from './stages/digest.ts';
export { readOptions } from './stages/options.ts';
export { imageOptions, imageStage, openConforming } from './stages/pictures/image-stage.ts';
export { pixelVector } from './stages/pictures/pixel-vector.ts';
export {
  channelsOf,
  describe,
  type ExtractorDefinition,
  inputBytes,
  type Preprocessing,
} from './table/definition.ts';
export { describeExtractor, describeWeights, extractorIds, openBuiltIn } from './table/table.ts';
