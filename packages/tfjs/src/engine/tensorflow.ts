/** TensorFlow.js, imported in this one place: core and layers alone, because the whole of it brings a browser's backends too. */
export * as tf from '@tensorflow/tfjs-core';
export * as layers from '@tensorflow/tfjs-layers';
