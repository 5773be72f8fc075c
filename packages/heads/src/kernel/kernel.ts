/**
 * The loops that take the time exist twice: in WebAssembly with 128-bit vectors, and in plain TypeScript. Both do the same operations on
 * each number in the same order, and so give the same bits; which one runs is a matter of speed alone.
 */
import type { Kernel } from './api.ts';
import { referenceKernel } from './reference-kernel.ts';
import { openSimdKernel } from './simd-kernel.ts';

/** Room that `eliminate` and `substituteBack` need, in float64. */
export function scratchLength(columns: number): number {
  return 32 * columns;
}

let chosen: Kernel | null = null;

/** The fastest kernel that this engine runs; chosen once. */
export function chooseKernel(): Kernel {
  chosen ??= openSimdKernel() ?? referenceKernel;
  return chosen;
}
