/**
 * LeNet trained on the digits 0 to 4 only, cut after Flatten. It is small enough for tests, and suitable for a demo of frozen
 * features: the digits 5 to 9 are new to the net, and only the head is trained on them.
 *
 * A picture of any size is fitted whole into 28 × 28 (cropping would lose a stroke at the border), on black, because MNIST is
 * white on black. A 28 × 28 gray picture is used unchanged.
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
