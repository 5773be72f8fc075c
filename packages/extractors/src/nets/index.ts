/** Surgery on nets, for those who build with it: ONNX models and TensorFlow.js layers models. */
export { ensureBackend } from '../engines/tfjs/backend.ts';
export { readLayersModel, writeLayersModel } from './layers/artifacts.ts';
export {
  cutNetAfter,
  dropNetLayers,
  layersOfNet,
  openLayersModel,
  takeNetLayers,
  toLayersModel,
} from './layers/surgery.ts';
export { type Model, readModel } from './onnx/graph.ts';
export { type Layer, layersOf } from './onnx/layers.ts';
export { writeModel } from './onnx/model-bytes.ts';
export { probeTypes } from './onnx/probe.ts';
export { cutAfter, dropLayers, takeLayers, takeSection } from './onnx/surgery.ts';
export type { TensorType } from './onnx/value-info.ts';
