/** Splits a text into words, including scripts without blanks between words. */
import { readOptions, type StageMethod } from '@headwater/extractors';
import { z } from 'zod';
import { openSegmentation, type Segment, takesText, textOptions } from './segmentation.ts';

const method = 'segmented-words';
const optionsSchema = z.strictObject({
  ...textOptions,
  /** Keeps the text between words, except white space. */
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
