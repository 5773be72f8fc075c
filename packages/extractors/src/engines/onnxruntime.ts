/** The only import of ONNX Runtime. */
export { env, InferenceSession, Tensor } from 'onnxruntime-node';
