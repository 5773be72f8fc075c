/**
 * Random feature expansion: h = ReLU(T x) with T of ±1 from a fixed seed (McDonnell et al.: RanPAC, 2023). A linear head on h
 * learns boundaries that are not linear in x. In integers, so that the statistics of h stay exact: h is halved and clamped to
 * 11,585, where sixteen products still fit an int32. The product with a unit vector has a standard deviation of 8,192, so that
 * one value in 400 is clamped.
 */
import { HeadwaterError } from '@headwater/errors';
import type { Kernel } from '../kernel/api.ts';

/** Maximum value of an entry of an expanded vector. */
export const maximumExpandedValue = 11_585;

/** Fixed, since it is an implicit part of every stored head and set with an expansion. */
const seed = 0x9e3779b9;
const cacheLimit = 4;
const cache = new Map<string, FeatureExpansion>();

interface FeatureExpansion {
  /** Entries of an expanded vector; a multiple of four. */
  readonly dimensions: number;
  /** Takes a quantised unit vector. */
  apply(vector: Int16Array): Int16Array;
}

/**
 * Matrices are large and depend on the dimensions alone: the latest few are cached. Errors: request-invalid, for an invalid
 * number of expanded dimensions.
 */
export function openFeatureExpansion(kernel: Kernel, dimensions: number, expanded: number): FeatureExpansion {
  if (!Number.isInteger(expanded) || expanded < 4 || expanded > 16_384 || expanded % 4 !== 0) {
    throw new HeadwaterError('request-invalid', 'LIFT must be a multiple of 4, at most 16,384');
  }
  const key = `${kernel.name}/${dimensions}/${expanded}`;
  const known = cache.get(key);
  if (known !== undefined) return known;
  const lift = createFeatureExpansion(kernel, dimensions, expanded);
  const oldest = cache.keys().next().value;
  if (cache.size >= cacheLimit && oldest !== undefined) cache.delete(oldest);
  cache.set(key, lift);
  return lift;
}

function createFeatureExpansion(kernel: Kernel, dimensions: number, expanded: number): FeatureExpansion {
  const columns = Math.ceil(dimensions / 8) * 8;
  const projection = kernel.createProjection(expanded, columns);
  drawSigns(projection.signs, dimensions, expanded, columns);
  return {
    dimensions: expanded,
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
function drawSigns(signs: Int16Array, dimensions: number, expanded: number, columns: number): void {
  let state = seed;
  for (let row = 0; row < expanded; row++) {
    for (let i = 0; i < dimensions; i++) {
      state ^= state << 13;
      state ^= state >>> 17;
      state ^= state << 5;
      signs[row * columns + i] = state < 0 ? -1 : 1;
    }
  }
}
