/** Splits a text into characters as a reader sees them: a letter with its accents, or a family of emoji, is one. */
import { readOptions, type StageMethod } from '@headwater/extractors';
import { z } from 'zod';
import { openSegmentation, takesText, textOptions } from './segmentation.ts';

const method = 'segmented-characters';
const optionsSchema = z.strictObject({
  ...textOptions,
  /** Keeps white space as characters. */
  blanks: z.boolean().default(false),
});
const blank = /^\s+$/u;

export const segmentedCharacters: StageMethod = {
  method,
  takes: takesText,
  gives: 'tokens',
  open(given) {
    const options = readOptions(optionsSchema, given);
    const keep = ({ segment }: { segment: string }) => options.blanks || !blank.test(segment);
    return openSegmentation({ method, granularity: 'grapheme', options, keep });
  },
};
