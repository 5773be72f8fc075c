/** PixelVector: the pixels of a small picture, row by row, as numbers from 0 to 1. It needs no weights: the baseline for a net. */
import { maximumDimensions } from '@headwater/schemas';
import type { StageMethod } from '../api.ts';
import { readOptions } from '../options.ts';
import { imageOptions, imageStage, openConforming } from './image-stage.ts';

const method = 'pixel-vector';

const optionsSchema = imageOptions
  .extend({ size: imageOptions.shape.size.default(32) })
  .refine(({ size, colour }) => size * size * (colour === 'rgb' ? 3 : 1) <= maximumDimensions, {
    path: ['size'],
    message: `makes more than ${maximumDimensions} numbers`,
  });

/** Takes records and pictures; gives size · size · channels numbers. */
export const pixelVector: StageMethod = {
  method,
  takes: ['record', 'pixels'],
  gives: 'vector',
  open(given, _, settings) {
    const options = readOptions(optionsSchema, given);
    const conform = openConforming(options, settings?.limits);
    const dimensions = options.size ** 2 * (options.colour === 'rgb' ? 3 : 1);
    return imageStage({ method, gives: 'vector', dimensions, options }, async (value, signal) => {
      const pixels = await conform(value, signal);
      return { type: 'vector', vector: Float32Array.from(pixels, (shade) => shade / 255) };
    });
  },
};
