/** Drift detection: by the errors of a head, and by the novelty of images alone. */
export { Adwin, type AdwinChange, type AdwinOptions, type AdwinState } from './adwin.ts';
export {
  expectedPercentile,
  NoveltyShift,
  type NoveltyShiftOptions,
  type NoveltyShiftState,
  type NoveltyShiftVerdict,
} from './novelty-shift.ts';
