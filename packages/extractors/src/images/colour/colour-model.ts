/**
 * The meaning of a file's samples: a curve to linear light for each colour, and a matrix to the primaries of sRGB. It covers
 * all colour information of files except ICC profiles with tables, which lcms reads.
 */
import type { ColourEncoding } from '@headwater/image-formats';
import { type Matrix, srgbOfPrimaries, times, type Vector } from './matrix.ts';

/** From a sample to linear light, both from 0 to 1. */
export type Curve = (sample: number) => number;

export interface GrayModel {
  readonly gray: Curve;
}

export interface RgbModel {
  readonly red: Curve;
  readonly green: Curve;
  readonly blue: Curve;
  /** To linear sRGB. */
  readonly matrix: Matrix;
}

export type ColourModel = GrayModel | RgbModel;

export const clamp = (value: number): number => Math.min(1, Math.max(0, value));

const decodeSrgb: Curve = (sample) =>
  sample <= 0.04045 ? sample / 12.92 : ((sample + 0.055) / 1.055) ** 2.4;

/** From linear light to a sample of sRGB, both from 0 to 1. */
export const encodeSrgb: Curve = (light) =>
  light <= 0.0031308 ? light * 12.92 : 1.055 * light ** (1 / 2.4) - 0.055;

const identity: Matrix = [
  [1, 0, 0],
  [0, 1, 0],
  [0, 0, 1],
];

export function modelOfEncoding({ transfer, primaries }: ColourEncoding, isGray: boolean): ColourModel {
  const curve: Curve = transfer === 'srgb' ? decodeSrgb : (sample) => sample ** transfer;
  if (isGray) return { gray: curve };
  const matrix = primaries ? srgbOfPrimaries(primaries) : identity;
  return { red: curve, green: curve, blue: curve, matrix };
}

/** Samples of sRGB, from 0 to 1. */
function srgbOf({ red, green, blue, matrix }: RgbModel, [r, g, b]: Vector): Vector {
  const [x, y, z] = times(matrix, [red(r), green(g), blue(b)]);
  return [encodeSrgb(clamp(x)), encodeSrgb(clamp(y)), encodeSrgb(clamp(z))];
}

/** Profiles of sRGB round their numbers; near black that comes to two shades of 255. */
const tolerance = 2 / 255;
const steps = [0, 0.05, 0.2, 0.4, 0.6, 0.8, 1];

/** Whether no conversion is needed. */
export function isSrgb(model: ColourModel): boolean {
  const near = (one: number, other: number) => Math.abs(one - other) <= tolerance;
  if ('gray' in model) return steps.every((step) => near(encodeSrgb(clamp(model.gray(step))), step));
  return steps.every((r) =>
    steps.every((g) =>
      steps.every((b) => {
        const [x, y, z] = srgbOf(model, [r, g, b]);
        return near(x, r) && near(y, g) && near(z, b);
      }),
    ),
  );
}
