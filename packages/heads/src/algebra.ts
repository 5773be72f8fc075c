/**
 * Exact sums, and arithmetic that gives the same bits on every engine. Fitted extractors use it, since they have the same
 * guarantee as heads.
 */
export type { Kernel } from './kernel/api.ts';
export { Gram, gramLength, paddedDimensions, rowOffset, rowStart } from './kernel/gram.ts';
export { chooseKernel } from './kernel/kernel.ts';
export { fixedLog, powerOfTwo } from './numerics/fixed-math.ts';
export { roundHalfToEven } from './numerics/quantization.ts';
export { type Tridiagonal, tridiagonalize } from './numerics/tridiagonal.ts';
export { compareUtf8 } from './numerics/utf8-order.ts';
export { dot } from './numerics/vector-arithmetic.ts';
