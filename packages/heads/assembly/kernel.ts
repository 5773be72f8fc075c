// The time-critical loops on 128-bit vectors. Relaxed SIMD operations are not used: their results may differ between machines.

export { eliminate, substituteBack } from './elimination';
export { accumulate } from './gram';
export { project } from './projection';
export { gatherExamples, scoreExamples } from './regression';
export { shrinkInPlace, subtractProducts, sumSquares } from './scatter';
export { solveTransposed, solveUpper } from './triangle';
export { advance, rotateLanes } from './tridiagonal';
