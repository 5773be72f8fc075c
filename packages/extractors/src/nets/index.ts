/** Editing of nets (ONNX graphs). */
export { graphField, type Model, nodeField, readModel, readNode } from './onnx/graph.ts';
export { cutAfter, dropLayers, takeLayers, takeSection } from './onnx/graph-editing.ts';
export { type Layer, layersOf } from './onnx/layers.ts';
export { writeModel } from './onnx/model-bytes.ts';
export { adaptNet, type InputAdaptation, type OutputAdaptation, vectorName } from './onnx/preprocessing.ts';
export { probeTypes } from './onnx/probe.ts';
export { type TensorType, valueInfo } from './onnx/value-info.ts';
export { checkWeights } from './onnx/weights.ts';
export { bytesField, contentOf, messageField, readFields, textField } from './onnx/wire.ts';
