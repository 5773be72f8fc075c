/**
 * EfficientNet-Lite2 with its ImageNet weights, cut after the global average pool: the larger choice for photographs, about
 * half as fast as Lite0. Its weights do not ship; one command creates them.
 *
 * Images are prepared as in the published evaluation of the net: the central 260 of 292, with a cubic kernel.
 */
import type { ExtractorDefinition } from './definition.ts';

export const efficientnetLite2: ExtractorDefinition = {
  contract: {
    extractor: 'efficientnet-lite2.v1',
    dimensions: 1280,
    elementType: 'float32',
    byteOrder: 'little-endian',
    normalization: 'none',
    description: 'EfficientNet-Lite2 trained on ImageNet, cut after the global average pool.',
  },
  weights: {
    file: 'model.onnx',
    sha256: 'e768268edba3a18581025e2a58527139bb4f76864a2f7d0a1e9a6b80702423c9',
    madeBy: 'npm run models -- efficientnet-lite2.v1',
  },
  cut: 'features',
  preprocessing: {
    colour: 'rgb',
    side: 260,
    fit: 'cover',
    resizedSide: 292,
    kernel: 'cubic',
    background: 255,
  },
};
