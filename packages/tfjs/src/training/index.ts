/** Training of nets, for the command line and for heads of kind `mlp`. A backend must be started first. */
export { type Backend, type BackendName, backendNames, startBackend } from '../engine/backend.ts';
export { layers, tf } from '../engine/tensorflow.ts';
export {
  type DenseTraining,
  type DenseTrainingOptions,
  type TrainedDenseLayer,
  trainDenseLayers,
} from './dense-layers.ts';
export { accuracyOf, answersOf, modelUpTo } from './inference.ts';
export {
  type LabelledImages,
  pick,
  randomNumbers,
  shuffled,
  splitImages,
  withClasses,
} from './labelled-images.ts';
export { continueLeNet, createLeNet, lenetFeatures, lenetLogits } from './lenet.ts';
export { readMnist } from './mnist.ts';
export { type TrainingOptions, type TrainingProgress, type TrainingResult, trainNet } from './trainer.ts';
