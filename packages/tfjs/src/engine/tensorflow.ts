/** The only import of TensorFlow.js: core and layers alone, because the whole package includes browser backends. */
export * as tf from '@tensorflow/tfjs-core';
export * as layers from '@tensorflow/tfjs-layers';
