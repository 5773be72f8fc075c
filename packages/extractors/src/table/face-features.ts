/**
 * A face as 128 numbers (dlib's face recognition net, in the port of face-api): detected, aligned to a mean face, and
 * described. Two pictures of one person are closer than about 0.6, those of two persons further apart.
 *
 * Of several faces the most prominent one counts: its confidence times its side. A picture without a face is a dead letter
 * (`face-missing`). The whole picture is fitted into 512 × 512 on black, as in the training of the detector; a face should be
 * at least a tenth as high as the picture.
 */
import type { ExtractorDefinition } from './definition.ts';

export const faceFeatures: ExtractorDefinition = {
  contract: {
    extractor: 'face-features.v1',
    dimensions: 128,
    elementType: 'float32',
    byteOrder: 'little-endian',
    normalization: 'none',
    description: 'The descriptor of the most prominent face in a picture, by the Euclidean distance.',
  },
  weights: {
    file: 'model.onnx',
    sha256: '9713219af68f7c5de92ed04fa20a7aae4b17bf95f76f0e5acb74d49ea7705065',
  },
  cut: 'features',
  preprocessing: {
    colour: 'rgb',
    side: 512,
    fit: 'contain',
    resizedSide: 512,
    kernel: 'cubic',
    background: 0,
  },
  notFinite: {
    code: 'face-missing',
    message: 'no recognisable face in the image',
  },
};
