import { z } from 'zod';

export type TfidfOptions = z.output<typeof optionsSchema>;

const mostTerms = 16_384;

export const optionsSchema = z.strictObject({
  /** Most terms: those that the most records hold. */
  limit: z.int().min(1).max(mostTerms).default(1024),
  /** Records that must hold a term. */
  atLeast: z.int().min(1).default(1),
  /** Share of the records that may hold a term. */
  atMost: z.number().gt(0).max(1).default(1),
  /** Different terms that the sample may hold. About 300 bytes each at most. */
  different: z.int().min(1).max(2_000_000).default(200_000),
  /** Places that terms are hashed to, in place of a vocabulary: for samples with more different terms than memory holds. */
  hashed: z.int().min(2).max(mostTerms).optional(),
  /** Up to so many words side by side are a term too. */
  grams: z.int().min(1).max(5).default(1),
  /** Between the words of such a term. */
  joint: z.string().max(8).default(' '),
  /** Count 1 + ln(how often) in place of how often. */
  sublinear: z.boolean().default(false),
  normalize: z.enum(['unit', 'none']).default('unit'),
});
