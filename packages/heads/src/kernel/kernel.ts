/**
 * The time-critical loops exist twice: in WebAssembly with 128-bit vectors, and in TypeScript. Both perform the same operations
 * on each number in the same order, and so give the same bits; the choice affects speed alone.
 */
import type { Kernel } from './api.ts';
import { referenceKernel } from './reference-kernel.ts';
import { openSimdKernel } from './simd-kernel.ts';

/** Scratch space that `eliminate` and `substituteBack` need, in float64. */
export function scratchLength(columns: number): number {
  return 32 * columns;
}

let chosen: Kernel | null = null;

/** The fastest kernel that this engine supports; chosen once. */
export function chooseKernel(): Kernel {
  chosen ??= openSimdKernel() ?? referenceKernel;
  return chosen;
}
