/**
 * EfficientNet-Lite0 with its ImageNet weights, cut after the global average pool: a good first extractor for photographs on a
 * CPU.
 *
 * Images are prepared as in the published evaluation of the net: the central 7/8 of the shorter side (224 of 256), with a cubic
 * kernel. The area outside is ignored. Transparent images are composed on white.
 */
import type { ExtractorDefinition } from './definition.ts';

export const efficientnetLite0: ExtractorDefinition = {
  contract: {
    extractor: 'efficientnet-lite0.v1',
    dimensions: 1280,
    elementType: 'float32',
    byteOrder: 'little-endian',
    normalization: 'none',
    description: 'EfficientNet-Lite0 trained on ImageNet, cut after the global average pool.',
  },
  weights: {
    file: 'model.onnx',
    sha256: 'ec59efac88b58114e257747d19b69f34c74fa50b5a504080b9cf0f142d9fac32',
  },
  cut: 'features',
  preprocessing: {
    colour: 'rgb',
    side: 224,
    fit: 'cover',
    resizedSide: 256,
    kernel: 'cubic',
    background: 255,
  },
};
