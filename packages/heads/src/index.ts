/** Statistics, solvers and heads: pure functions of the set of labelled vectors. No I/O, no Kafka. */
export type * from './api.ts';
export { openHead, trainHead } from './head.ts';
export { createLabelledSet, deserializeLabelledSet, type LabelledSetOptions } from './labelled-set.ts';
// NOTE, not for a commit: measurements/, drift/, review/ and bench/ are built in folders of their own by somebody else right now;
// measurements.ts beside them doubles measurements/ (same names): please drop it and go on with lift, knn, softmax, novelty.
export * from './measurements/index.ts';
export {
  type ClassMeasurements,
  findThreshold,
  type MeasurementOptions,
  type MeasurementReport,
  Measurements,
  type RejectionPoint,
  type WorstExample,
} from './measurements.ts';
export { quantize } from './quantization.ts';
export { sampleKey } from './sample-key.ts';
