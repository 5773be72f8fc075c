/**
 * EfficientNet-Lite0 in 8-bit integers: faster on processors with 8-bit multiplication, a third of the size, and nearly as
 * accurate (figures in docs/reference/extractors/image-features.md). The vectors are close to those of the float net, but not
 * the same: heads of one cannot be used with the other.
 */
import type { ExtractorDefinition } from './definition.ts';
import { efficientnetLite0 } from './efficientnet-lite0.ts';

export const efficientnetLite0Int8: ExtractorDefinition = {
  ...efficientnetLite0,
  contract: {
    ...efficientnetLite0.contract,
    extractor: 'efficientnet-lite0-int8.v1',
    description:
      'EfficientNet-Lite0 trained on ImageNet, in 8-bit integers, cut after the global average pool.',
  },
  weights: {
    file: 'model.onnx',
    sha256: '8ffaf90d4cb0ed858d5cf4e14f8e517f2b1dc2a139074d8f288cdcf78611ba35',
  },
};
