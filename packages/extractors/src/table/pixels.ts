/**
 * The pixels of a 32 × 32 colour image, from 0 to 1, without weights. The baseline for a net, and sufficient where images
 * differ in colour or in coarse shape.
 */
import type { ExtractorDescription } from '../api.ts';
import type { ExtractorOptions } from '../options.ts';
import { StageExtractor } from '../stage-extractor.ts';
import type { Stage } from '../stages/api.ts';
import { pixelVector } from '../stages/pictures/pixel-vector.ts';
import type { BuiltInExtractor } from './shipped.ts';

const options = { size: 32, colour: 'rgb', fit: 'contain', background: 255 } as const;
const dimensions = 32 * 32 * 3;

const openStage = (settings?: ExtractorOptions) => pixelVector.open(options, undefined, settings) as Stage;

const description: ExtractorDescription = {
  id: 'pixels.v1',
  name: 'pixels',
  version: 'v1',
  contract: {
    extractor: 'pixels.v1',
    dimensions,
    elementType: 'float32',
    byteOrder: 'little-endian',
    normalization: 'none',
    description:
      'The pixels of the whole image within 32 by 32 on white, red, green and blue from 0 to 1, row by row.',
  },
  digest: openStage().digest,
};

export const pixels: BuiltInExtractor = {
  description,
  open: async (settings = {}) =>
    new StageExtractor(description, openStage(settings), { engine: 'pixels, no engine' }, settings),
};
