/**
 * Opens a file as a picture in 8-bit sRGB or gray, without decoding where possible. libvips does this for samples of 8 bits
 * with or without an ICC profile; other colour information is converted here, at full size and before resizing.
 */
import { formatOf, type ImageHeader } from '@headwater/image-formats';
import sharp, { type Sharp, type SharpOptions } from 'sharp';
import { type ColourModel, isSrgb, modelOfEncoding } from './colour/colour-model.ts';
import { convertSamples } from './colour/conversion.ts';
import { modelOfProfile } from './colour/icc-profile.ts';
import { longestDecodeSeconds } from './decoding-error.ts';
import type { Allocate } from './scratch-buffers.ts';

sharp.concurrency(1);
// No image is decoded twice in a row: a cache of operations would only use memory.
sharp.cache(false);

interface ImageFile {
  readonly bytes: Buffer;
  readonly header: ImageHeader;
  readonly maxPixels: number;
}

function openFile({ bytes, header, maxPixels }: ImageFile, more: SharpOptions = {}): Sharp {
  const options = {
    // The header check leaves a JPEG no harmless warning; other formats have many.
    failOn: header.mediaType === 'image/jpeg' ? 'warning' : 'error',
    limitInputPixels: maxPixels,
    pages: 1,
    sequentialRead: true,
    ...(header.ignoreProfile && { ignoreIcc: true }),
    ...more,
  } as const;
  return sharp(bytes, options).timeout({ seconds: longestDecodeSeconds });
}

interface Meaning {
  readonly colours: 1 | 3;
  readonly model: ColourModel | undefined;
  /** There is a profile that only lcms can read. */
  readonly foreignProfile: boolean;
}

/** Undefined for CMYK, which libvips converts at any depth. */
async function meaningOf(file: ImageFile): Promise<Meaning | undefined> {
  const { space, icc } = await openFile(file).metadata();
  if (space === 'cmyk') return undefined;
  const isGray = space === 'b-w' || space === 'grey16';
  const colours = isGray ? 1 : 3;
  const { colour, ignoreProfile } = file.header;
  if (colour) return { colours, model: modelOfEncoding(colour, isGray), foreignProfile: false };
  if (!icc || ignoreProfile) return { colours, model: undefined, foreignProfile: false };
  const model = modelOfProfile(icc, isGray);
  return { colours, model, foreignProfile: model === undefined };
}

/** Decodes the whole picture and converts its samples. */
async function convert(file: ImageFile, { colours, model }: Meaning): Promise<Sharp> {
  const { deep = false, channels } = file.header;
  const spaces = colours === 1 ? ['b-w', 'grey16'] : ['srgb', 'rgb16'];
  const { data, info } = await openFile(file, { ignoreIcc: true })
    .autoOrient()
    .toColourspace(spaces[deep ? 1 : 0] as string)
    .raw({ depth: deep ? 'ushort' : 'uchar' })
    .toBuffer({ resolveWithObject: true });
  const samples = { data, width: info.width, height: info.height, channels: info.channels, deep };
  const pixels = await convertSamples(samples, model, colours, channels ?? info.channels);
  return sharp(pixels.data, { raw: pixels.raw });
}

/** The picture may read memory of `allocate` until it is decoded. Errors: those of libvips. */
export async function openImage(
  image: Buffer,
  header: ImageHeader,
  maxPixels: number,
  allocate: Allocate,
): Promise<Sharp> {
  const file = { bytes: formatOf(image)?.prepare?.(image, allocate) ?? image, header, maxPixels };
  const { deep, colour, channels } = header;
  if (!deep && !colour && !channels) return openFile(file);
  const meaning = await meaningOf(file);
  if (!meaning) return openFile(file);
  const { model, foreignProfile, colours } = meaning;
  if (channels || (model && !isSrgb(model))) return await convert(file, meaning);
  if (model) return openFile(file, { ignoreIcc: true });
  // lcms takes what it is given for as many bits as the profile's target has: 8.
  if (foreignProfile) return openFile(file).pipelineColourspace(colours === 1 ? 'b-w' : 'srgb');
  return openFile(file);
}
