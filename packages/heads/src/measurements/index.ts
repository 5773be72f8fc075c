/** Quality of a head: on held-out examples, prequentially, for each class, and with abstention. */
export { auroc, type ScoredCase } from './auroc.ts';
export { BoundedRanking } from './bounded-ranking.ts';
export { Calibration, type CalibrationBin } from './calibration-error.ts';
export {
  type AverageScores,
  type ClassificationReport,
  type ClassScores,
  reportOf,
} from './classification-report.ts';
export {
  type ClassCounts,
  type ConfusionEntry,
  ConfusionMatrix,
  type ConfusionState,
} from './confusion-matrix.ts';
export {
  HeadMeasurements,
  type MeasurementReport,
  type MeasurementState,
  type MeasurementStateV1,
} from './head-measurements.ts';
export type { PredictionOutcome } from './prediction-outcome.ts';
export {
  Prequential,
  type PrequentialFigures,
  type PrequentialOptions,
  type PrequentialReport,
  type PrequentialState,
} from './prequential.ts';
export {
  abstentionPoint,
  areaUnderRejectionCurve,
  type ConfidenceLevel,
  type RejectionPoint,
  rejectionCurve,
  rejectionCurveOf,
  type ScoredAnswer,
} from './rejection-curve.ts';
export { type WorstExample, WorstExamples } from './worst-examples.ts';
