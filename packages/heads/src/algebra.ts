/**
 * Exact sums and the arithmetic that gives the same bits on every engine, for others than heads: extractors that learn rest on the same
 * promise.
 */

export type { Kernel } from './kernel/api.ts';
export { Gram, gramLength, paddedDimensions, rowOffset, rowStart } from './kernel/gram.ts';
export { chooseKernel } from './kernel/kernel.ts';
export { fixedLog, powerOfTwo } from './numerics/fixed-math.ts';
export { roundHalfToEven } from './numerics/quantization.ts';
export { type Tridiagonal, tridiagonalize } from './numerics/tridiagonal.ts';
export { compareUtf8 } from './numerics/utf8-order.ts';
export { dot } from './numerics/vector-arithmetic.ts';
