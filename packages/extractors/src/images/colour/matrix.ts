/** 3 × 3 matrices, row by row, with the conversions that colour needs: between white points, and from primaries to sRGB. */
import type { Primaries } from '@headwater/image-formats';

export type Vector = readonly [number, number, number];
export type Matrix = readonly [Vector, Vector, Vector];

export function times(matrix: Matrix, [a, b, c]: Vector): Vector {
  const row = (of: Vector) => of[0] * a + of[1] * b + of[2] * c;
  return [row(matrix[0]), row(matrix[1]), row(matrix[2])];
}

function transpose([a, b, c]: Matrix): Matrix {
  return [
    [a[0], b[0], c[0]],
    [a[1], b[1], c[1]],
    [a[2], b[2], c[2]],
  ];
}

function product(left: Matrix, right: Matrix): Matrix {
  const [a, b, c] = transpose(right);
  return transpose([times(left, a), times(left, b), times(left, c)]);
}

const cross = (a: Vector, b: Vector): Vector => [
  a[1] * b[2] - a[2] * b[1],
  a[2] * b[0] - a[0] * b[2],
  a[0] * b[1] - a[1] * b[0],
];

/** Not finite for a singular matrix. */
function inverse(matrix: Matrix): Matrix {
  const [a, b, c] = matrix;
  const [x, y, z] = [cross(b, c), cross(c, a), cross(a, b)];
  const determinant = a[0] * x[0] + a[1] * x[1] + a[2] * x[2];
  const scaled = ([u, v, w]: Vector): Vector => [u / determinant, v / determinant, w / determinant];
  return transpose([scaled(x), scaled(y), scaled(z)]);
}

const diagonal = ([a, b, c]: Vector): Matrix => [
  [a, 0, 0],
  [0, b, 0],
  [0, 0, c],
];

const bradford: Matrix = [
  [0.8951, 0.2664, -0.1614],
  [-0.7502, 1.7135, 0.0367],
  [0.0389, -0.0685, 1.0296],
];

/** XYZ of luminance 1. */
const xyz = (x: number, y: number): Vector => [x / y, 1, (1 - x - y) / y];

const d65 = xyz(0.3127, 0.329);
/** The white point of all ICC profiles. */
const d50: Vector = [0.9642, 1, 0.8249];

/** Bradford's adaptation, as defined by ICC. */
function adaptation(from: Vector): Matrix {
  const [source, target] = [times(bradford, from), times(bradford, d65)];
  const ratio: Vector = [target[0] / source[0], target[1] / source[1], target[2] / source[2]];
  return product(inverse(bradford), product(diagonal(ratio), bradford));
}

function xyzOfPrimaries([whiteX, whiteY, redX, redY, greenX, greenY, blueX, blueY]: Primaries): Matrix {
  const corners = transpose([xyz(redX, redY), xyz(greenX, greenY), xyz(blueX, blueY)]);
  return product(corners, diagonal(times(inverse(corners), xyz(whiteX, whiteY))));
}

const fromD65 = inverse(xyzOfPrimaries([0.3127, 0.329, 0.64, 0.33, 0.3, 0.6, 0.15, 0.06]));

/** From linear light of these primaries to linear light of sRGB. */
export function srgbOfPrimaries(primaries: Primaries): Matrix {
  const white = xyz(primaries[0], primaries[1]);
  return product(fromD65, product(adaptation(white), xyzOfPrimaries(primaries)));
}

/** From linear light of colorants, as an ICC profile states them, to linear light of sRGB. */
export function srgbOfColorants(red: Vector, green: Vector, blue: Vector): Matrix {
  return product(fromD65, product(adaptation(d50), transpose([red, green, blue])));
}
