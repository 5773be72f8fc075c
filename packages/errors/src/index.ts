/** The one error type of Headwater, the table of its codes, and the verdict that each code carries. */
export { type ErrorCode, errorCodes } from './codes.ts';
export { asDeadLetter, asHeadwaterError, HeadwaterError } from './headwater-error.ts';
export type { Verdict } from './verdict.ts';
