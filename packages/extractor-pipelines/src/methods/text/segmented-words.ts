/** A text as its words, also in scripts that put no blanks between them. */
import { readOptions, type StageMethod } from '@headwater/extractors';
import { z } from 'zod';
import { openSegmentation, type Segment, takesText, textOptions } from './segmentation.ts';

const method = 'segmented-words';
const optionsSchema = z.strictObject({
  ...textOptions,
  /** What stands between words counts too, but for white space. */
  punctuation: z.boolean().default(false),
});
const blank = /^\s+$/u;

export const segmentedWords: StageMethod = {
  method,
  takes: takesText,
  gives: 'tokens',
  open(given) {
    const options = readOptions(optionsSchema, given);
    const keep = ({ segment, isWordLike }: Segment) =>
      isWordLike === true || (options.punctuation && !blank.test(segment));
    return openSegmentation({ method, granularity: 'word', options, keep });
  },
};
