/**
 * Sums of floats depend on their order, sums of integers do not. Scaling each vector to unit length and rounding it to int16
 * has no measurable cost in accuracy, and makes every sum over examples exact.
 */
import { HeadwaterError } from '@headwater/errors';

/** The integer that represents 1.0. A unit vector has no entry beyond ±unit. */
export const unit = 8192;

/**
 * The quantised unit vector: norm in float64 summed in index order, x / norm · 8192, rounded half to even. A zero vector stays
 * zero. Every entry lies in [−8192, 8192]: a square of a float32 is exact in float64 (48 bits), and correctly rounded sums and
 * roots are monotonic, so that norm ≥ √(x²) = |x| for each entry x. Errors: vector-not-finite.
 */
export function quantize(vector: Float32Array): Int16Array {
  let squares = 0;
  for (const value of vector) squares += value * value;
  if (!Number.isFinite(squares)) {
    throw new HeadwaterError('vector-not-finite', 'vector with NaN or infinity cannot be quantised');
  }
  const quantized = new Int16Array(vector.length);
  if (squares === 0) return quantized;
  const norm = Math.sqrt(squares);
  for (let i = 0; i < vector.length; i++) quantized[i] = roundHalfToEven(((vector[i] ?? 0) / norm) * unit);
  return quantized;
}

/** Adding and subtracting 1.5 · 2^52 removes the fraction; IEEE 754 rounds halves to even. For |value| < 2^51. */
export function roundHalfToEven(value: number): number {
  return value + 6755399441055744 - 6755399441055744;
}
