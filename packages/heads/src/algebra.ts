/**
 * Exact sums and the arithmetic that gives the same bits on every engine, for others than heads: extractors that learn rest on the same
 * promise.
 */
export { fixedLog, powerOfTwo } from './fixed-math.ts';
export { Gram, gramLength, paddedDimensions, rowOffset, rowStart } from './gram.ts';
export { chooseKernel, type Kernel } from './kernel.ts';
export { roundHalfToEven } from './quantization.ts';
export { type Tridiagonal, tridiagonalize } from './tridiagonal.ts';
export { compareUtf8 } from './utf8-order.ts';
export { dot } from './vector-arithmetic.ts';
