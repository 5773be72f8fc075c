/** ONNX Runtime, imported in this one place. */
export { env, InferenceSession, Tensor } from 'onnxruntime-node';
