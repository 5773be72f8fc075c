/** TIFF 6.0 and BigTIFF, both byte orders: the first directory of the file. */
import type { FormatHeader, ImageFormat } from './api.ts';
import { orientationOf } from './orientation.ts';
import { damaged } from './refusals.ts';
import { readDirectory } from './tiff-directory.ts';
import { checkSupported, meaningfulChannels } from './tiff-samples.ts';

const mediaType = 'image/tiff';
const WIDTH = 256;
const HEIGHT = 257;

function read(bytes: Buffer): FormatHeader {
  const directory = readDirectory(bytes);
  const [width, height] = [directory.number(WIDTH), directory.number(HEIGHT)];
  if (width === undefined || height === undefined) throw damaged(mediaType, 'it has no size');
  const samples = checkSupported(directory);
  const channels = meaningfulChannels(samples);
  return {
    width,
    height,
    ...(samples.bits > 8 && { deep: true }),
    ...(channels < samples.count && { channels }),
    ...orientationOf(directory),
  };
}

export const tiff: ImageFormat = {
  mediaType,
  matches: (bytes) => ['II*\0', 'MM\0*', 'II+\0', 'MM\0+'].includes(bytes.toString('latin1', 0, 4)),
  read,
};
