/** Statistics, solvers and heads: pure functions of the set of labelled vectors. No I/O, no Kafka. */
export type * from './api.ts';
export { arithmeticOf } from './arithmetic.ts';
export { type CostMatrix, type Decision, type DecisionRules, decide } from './decision.ts';
export type { DenseLayer } from './dense-layers.ts';
export * from './drift/index.ts';
export { findFolds } from './folds.ts';
export { openHead, trainHead } from './head.ts';
export { type LayersTask, type TrainLayers, trainLayersHead } from './heads/mlp.ts';
export { createLabelledSet, deserializeLabelledSet, type LabelledSetOptions } from './labelled-set.ts';
export { learnsOneByOne, mostLearned } from './learned-examples.ts';
export { digestHead } from './linear-head.ts';
export * from './measurements/index.ts';
export { quantize } from './quantization.ts';
export * from './review/index.ts';
export { sampleKey } from './sample-key.ts';
export { addDigest, digestExample, formatDigest } from './set-digest.ts';
export { type SetSnapshot, snapshotBuffers, takeSnapshot } from './set-snapshot.ts';
export { errorRatesTold, sureEnoughFor } from './sure-enough.ts';
