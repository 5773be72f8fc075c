/**
 * LeNet that has seen the digits 0 to 4 only, cut after Flatten. It is small enough for a test and honest enough for a
 * story: the digits 5 to 9 are new to it, and are learned by the head alone.
 *
 * A picture of any size is fitted whole into 28 × 28 (a stroke at the border would be lost by cropping), on black, because
 * MNIST is white on black. A 28 × 28 gray picture goes through untouched.
 */
import type { ExtractorDefinition } from './definition.ts';

export const lenetDigits: ExtractorDefinition = {
  contract: {
    extractor: 'lenet-digits.v1',
    dimensions: 800,
    elementType: 'float32',
    byteOrder: 'little-endian',
    normalization: 'none',
    description:
      'LeNet trained on the digits 0 to 4, cut after Flatten: 50 maps of 4 by 4, after the second pooling.',
  },
  weights: {
    file: 'model.onnx',
    sha256: 'e8e40bb7afac630386aadf412fda2ef237abce62885208bcef487b55cd8f028e',
  },
  cut: 'features',
  preprocessing: {
    colour: 'gray',
    side: 28,
    fit: 'contain',
    resizedSide: 28,
    kernel: 'cubic',
    background: 0,
  },
};
