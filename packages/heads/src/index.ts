/** Statistics, solvers and heads: pure functions of the set of labelled vectors. No I/O, no Kafka. */
export type * from './api.ts';
export { sampleKey } from './sample-key.ts';
