/**
 * A linear head on random features: h = ReLU(T x) with T of ±1 from a fixed seed (McDonnell et al.: RanPAC, 2023) finds what is not linear in
 * the vectors. In integers, so that the statistics of h stay exact: h is halved and clamped to 11,585, where sixteen products still fit an
 * int32. The product with a unit vector has a standard deviation of 8,192, so that the clamp is met by one value in 400.
 */
import { HeadwaterError } from '@headwater/errors';
import type { Kernel } from '../kernel/api.ts';

/** No entry of a lifted vector is larger. */
export const maximumExpandedValue = 11_585;

/** Part of every stored head and set that lifts: another seed would be another lift. */
const seed = 0x9e3779b9;
const cacheLimit = 4;
const cache = new Map<string, Lift>();

export interface Lift {
  /** Entries of a lifted vector; a multiple of four. */
  readonly dimensions: number;
  /** Takes a quantised unit vector. */
  apply(vector: Int16Array): Int16Array;
}

/** Matrices are large and always the same: the latest few are kept. Errors: request-invalid, for lifted dimensions that can't be. */
export function openFeatureExpansion(kernel: Kernel, dimensions: number, lifted: number): Lift {
  if (!Number.isInteger(lifted) || lifted < 4 || lifted > 16_384 || lifted % 4 !== 0) {
    throw new HeadwaterError('request-invalid', 'A lift has a multiple of 4 dimensions, at most 16,384');
  }
  const key = `${kernel.name}/${dimensions}/${lifted}`;
  const known = cache.get(key);
  if (known !== undefined) return known;
  const lift = createLift(kernel, dimensions, lifted);
  const oldest = cache.keys().next().value;
  if (cache.size >= cacheLimit && oldest !== undefined) cache.delete(oldest);
  cache.set(key, lift);
  return lift;
}

function createLift(kernel: Kernel, dimensions: number, lifted: number): Lift {
  const columns = Math.ceil(dimensions / 8) * 8;
  const projection = kernel.createProjection(lifted, columns);
  drawSigns(projection.signs, dimensions, lifted, columns);
  return {
    dimensions: lifted,
    apply(vector) {
      projection.vector.set(vector);
      projection.project();
      return Int16Array.from(projection.out, (value) =>
        Math.min(Math.max(value, 0) >> 1, maximumExpandedValue),
      );
    },
  };
}

/** One draw of xorshift32 (Marsaglia, 2003) for each entry, row by row; its highest bit is the sign. */
function drawSigns(signs: Int16Array, dimensions: number, lifted: number, columns: number): void {
  let state = seed;
  for (let row = 0; row < lifted; row++) {
    for (let i = 0; i < dimensions; i++) {
      state ^= state << 13;
      state ^= state >>> 17;
      state ^= state << 5;
      signs[row * columns + i] = state < 0 ? -1 : 1;
    }
  }
}
