/** Sufficient statistics, solvers and heads: pure functions of the training set. No I/O, no Kafka. */
export type * from './api.ts';
export { confidenceThresholdFor } from './calibration/confidence-thresholds.ts';
export { type CostMatrix, type Decision, type DecisionRules, decide } from './calibration/decision.ts';
export * from './drift/index.ts';
export * from './measurements/index.ts';
export { arithmeticOf } from './models/arithmetic.ts';
export type { DenseLayer } from './models/dense-layers.ts';
export { DiscriminantCache } from './models/discriminant-cache.ts';
export { learnsFromExamples, maximumLearnedExamples } from './models/example-budget.ts';
export { openHead, trainHead } from './models/head.ts';
export { digestHead } from './models/linear-head.ts';
export { type LayersTask, type TrainLayers, trainLayersHead } from './models/mlp/mlp.ts';
export { quantize } from './numerics/quantization.ts';
export { compareUtf8 } from './numerics/utf8-order.ts';
export * from './review/index.ts';
export { findFolds } from './training-set/folds.ts';
export { sampleKey } from './training-set/sample-key.ts';
export { addDigest, digestExample, formatDigest } from './training-set/set-digest.ts';
export { type SetSnapshot, snapshotBuffers, takeSnapshot } from './training-set/set-snapshot.ts';
export {
  createTrainingSet,
  deserializeTrainingSet,
  type TrainingSetOptions,
} from './training-set/training-set.ts';
