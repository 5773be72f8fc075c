/** Converts raw samples of 8 or 16 bits to 8-bit sRGB or gray, keeping alpha and dropping further samples. */
import { type ColourModel, clamp, encodeSrgb, type GrayModel, type RgbModel } from './colour-model.ts';
import type { Matrix } from './matrix.ts';

export interface RawSamples {
  readonly data: Buffer;
  readonly width: number;
  readonly height: number;
  /** Samples of a pixel. */
  readonly channels: number;
  /** 16 bits per sample, in native byte order; else 8. */
  readonly deep: boolean;
}

export interface ConvertedPixels {
  readonly data: Uint8Array;
  readonly raw: { readonly width: number; readonly height: number; readonly channels: 1 | 2 | 3 | 4 };
}

/** Writes the colour of the pixel whose samples begin at `at`. */
type ConvertPixel = (samples: Uint8Array | Uint16Array, at: number, to: Uint8Array, into: number) => void;

/** Number of distinguished levels of linear light. */
const shades = 65_535;
const shadeOf = (light: number) => Math.round(255 * encodeSrgb(clamp(light)));

function scaling(colours: number, shift: number): ConvertPixel {
  return (samples, at, to, into) => {
    for (let index = 0; index < colours; index += 1) to[into + index] = (samples[at + index] ?? 0) >> shift;
  };
}

function grayConversion({ gray }: GrayModel, most: number): ConvertPixel {
  const table = Uint8Array.from({ length: most + 1 }, (_, sample) => shadeOf(gray(sample / most)));
  return (samples, at, to, into) => {
    to[into] = table[samples[at] ?? 0] ?? 0;
  };
}

const scaled = (matrix: Matrix, factor: number) => matrix.flat().map((entry) => entry * factor);

function rgbConversion({ red, green, blue, matrix }: RgbModel, most: number): ConvertPixel {
  const [reds, greens, blues] = [red, green, blue].map((curve) =>
    Float64Array.from({ length: most + 1 }, (_, sample) => curve(sample / most)),
  ) as [Float64Array, Float64Array, Float64Array];
  const encoded = Uint8Array.from({ length: shades + 1 }, (_, shade) => shadeOf(shade / shades));
  const [a, b, c, d, e, f, g, h, i] = scaled(matrix, shades) as [
    number,
    number,
    number,
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  const shadeAt = (light: number) => encoded[Math.min(shades, Math.max(0, Math.round(light)))] ?? 0;
  return (samples, at, to, into) => {
    const x = reds[samples[at] ?? 0] ?? 0;
    const y = greens[samples[at + 1] ?? 0] ?? 0;
    const z = blues[samples[at + 2] ?? 0] ?? 0;
    to[into] = shadeAt(a * x + b * y + c * z);
    to[into + 1] = shadeAt(d * x + e * y + f * z);
    to[into + 2] = shadeAt(g * x + h * y + i * z);
  };
}

function conversionOf(model: ColourModel | undefined, colours: 1 | 3, deep: boolean): ConvertPixel {
  const most = deep ? 65_535 : 255;
  if (!model) return scaling(colours, deep ? 8 : 0);
  return 'gray' in model ? grayConversion(model, most) : rgbConversion(model, most);
}

/** Decoding may run on a shared thread: it pauses after this many pixels. */
const pixelsAtOnce = 1_000_000;
const pause = () => new Promise((resolve) => setImmediate(resolve));

/** `colours` of the first `kept` samples of a pixel are its colour; one more is its alpha. The data is overwritten. */
export async function convertSamples(
  { data: given, width, height, channels, deep }: RawSamples,
  model: ColourModel | undefined,
  colours: 1 | 3,
  kept: number,
): Promise<ConvertedPixels> {
  // Two bytes must begin at an even address.
  const data = given.byteOffset % 2 === 0 ? given : new Uint8Array(given);
  const samples = deep ? new Uint16Array(data.buffer, data.byteOffset, data.byteLength / 2) : data;
  const convert = conversionOf(model, colours, deep);
  const hasAlpha = kept > colours;
  const outputs = hasAlpha ? colours + 1 : colours;
  // No pixel needs more bytes than before, so that what is written lies behind what is read.
  const to = new Uint8Array(data.buffer, data.byteOffset, width * height * outputs);
  const alphaShift = deep ? 8 : 0;
  for (let pixel = 0; pixel < width * height; pixel += 1) {
    if (pixel % pixelsAtOnce === pixelsAtOnce - 1) await pause();
    const [at, into] = [pixel * channels, pixel * outputs];
    const alpha = (samples[at + colours] ?? 0) >> alphaShift;
    convert(samples, at, to, into);
    if (hasAlpha) to[into + colours] = alpha;
  }
  return { data: to, raw: { width, height, channels: outputs as 1 | 2 | 3 | 4 } };
}
