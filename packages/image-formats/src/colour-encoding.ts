/**
 * Colour encodings without an ICC profile: gAMA, cHRM and cICP of PNG, nclx of AVIF. The code points of cICP and nclx
 * are those of ITU-T H.273.
 */

/** Chromaticities (x, y) of white, red, green and blue. */
export type Primaries = readonly [
  ...white: readonly [number, number],
  ...red: readonly [number, number],
  ...green: readonly [number, number],
  ...blue: readonly [number, number],
];

export interface ColourEncoding {
  /** Default: those of sRGB. */
  readonly primaries?: Primaries;
  /** `srgb`, or an exponent: linear light is the sample, from 0 to 1, to this power. */
  readonly transfer: 'srgb' | number;
}

const d65 = [0.3127, 0.329] as const;
const illuminantC = [0.31, 0.316] as const;

const srgbPrimaries: Primaries = [...d65, 0.64, 0.33, 0.3, 0.6, 0.15, 0.06];

/** Smaller differences from the chromaticities of sRGB are rounding errors. */
const chromaticityTolerance = 0.002;

function isSrgb(primaries: Primaries): boolean {
  return primaries.every((value, at) => Math.abs(value - (srgbPrimaries[at] ?? 0)) <= chromaticityTolerance);
}

/** False for primaries that span no area. */
function isUsable([whiteX, whiteY, redX, redY, greenX, greenY, blueX, blueY]: Primaries): boolean {
  const area = Math.abs((greenX - redX) * (blueY - redY) - (blueX - redX) * (greenY - redY));
  return area > 0.001 && whiteX > 0 && whiteY > 0.01 && [redY, greenY, blueY].every((y) => y > 0);
}

/** Undefined for sRGB, the most frequent case. */
export function colourEncoding(
  primaries: Primaries | undefined,
  transfer: ColourEncoding['transfer'],
): ColourEncoding | undefined {
  const own = primaries && isUsable(primaries) && !isSrgb(primaries) ? primaries : undefined;
  if (!own && transfer === 'srgb') return undefined;
  return own ? { primaries: own, transfer } : { transfer };
}

/** SMPTE 170M and 240M. */
const smpteC: Primaries = [...d65, 0.63, 0.34, 0.31, 0.595, 0.155, 0.07];

const primariesByCode: ReadonlyMap<number, Primaries> = new Map([
  [1, srgbPrimaries],
  [4, [...illuminantC, 0.67, 0.33, 0.21, 0.71, 0.14, 0.08]],
  [5, [...d65, 0.64, 0.33, 0.29, 0.6, 0.15, 0.06]],
  [6, smpteC],
  [7, smpteC],
  [8, [...illuminantC, 0.681, 0.319, 0.243, 0.692, 0.145, 0.049]],
  [9, [...d65, 0.708, 0.292, 0.17, 0.797, 0.131, 0.046]],
  [11, [0.314, 0.351, 0.68, 0.32, 0.265, 0.69, 0.15, 0.06]],
  [12, [...d65, 0.68, 0.32, 0.265, 0.69, 0.15, 0.06]],
  [22, [...d65, 0.63, 0.34, 0.295, 0.605, 0.155, 0.077]],
]);

/** All other codes are sRGB, video curves such as BT.709, which browsers show as sRGB, or unspecified. */
const transferByCode: ReadonlyMap<number, ColourEncoding['transfer']> = new Map<
  number,
  ColourEncoding['transfer']
>([
  [4, 2.2],
  [5, 2.8],
  [8, 1],
]);

const unsupportedTransfers: ReadonlyMap<number, string> = new Map([
  [9, 'logarithmic samples'],
  [10, 'logarithmic samples'],
  [16, 'high dynamic range (PQ)'],
  [17, 'digital cinema colour (SMPTE ST 428)'],
  [18, 'high dynamic range (HLG)'],
]);

/** The encoding; undefined for sRGB and unknown codes; a text that names an encoding without an 8-bit sRGB equivalent. */
export function encodingOfCodes(primaries: number, transfer: number): ColourEncoding | string | undefined {
  if (primaries === 10) return 'XYZ samples';
  return (
    unsupportedTransfers.get(transfer) ??
    colourEncoding(primariesByCode.get(primaries), transferByCode.get(transfer) ?? 'srgb')
  );
}
