/** When the stream is no longer what was learned: by its errors, and by its images alone. */
export { Adwin, type AdwinChange, type AdwinOptions, type AdwinState } from './adwin.ts';
export {
  expectedPercentile,
  NoveltyShift,
  type NoveltyShiftOptions,
  type NoveltyShiftState,
  type NoveltyShiftVerdict,
} from './novelty-shift.ts';
