/** When the stream is no longer what was learned: by its errors, and by its images alone. */
export { Adwin, type AdwinChange, type AdwinOptions, type AdwinState } from './adwin.ts';
export {
  NoveltyShift,
  type NoveltyShiftOptions,
  type NoveltyShiftState,
  type NoveltyShiftVerdict,
  usualPercentile,
} from './novelty-shift.ts';
