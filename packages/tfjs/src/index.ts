/** TensorFlow.js: an engine for nets, and training. */
export { type BackendName, ensureBackend, nativeFolder, startBackend } from './engine/backend.ts';
export { openTfjsEngine } from './engine/engine.ts';
export type { layers } from './engine/tensorflow.ts';
export { checkLayersWeights, packNet, readLayersModel, writeLayersModel } from './layers/artifacts.ts';
export {
  cutNetAfter,
  dropNetLayers,
  layersOfNet,
  openLayersModel,
  takeNetLayers,
  toLayersModel,
} from './layers/layer-editing.ts';
export { type FolderOptions, readImageFolder } from './training/image-folder.ts';
export { createLeNet } from './training/lenet.ts';
