import { z } from 'zod';

export type TfidfOptions = z.output<typeof optionsSchema>;

const mostTerms = 16_384;

export const optionsSchema = z.strictObject({
  /** Maximum number of terms: those that the most records hold. */
  limit: z.int().min(1).max(mostTerms).default(1024),
  /** Minimum number of records that hold a term. */
  atLeast: z.int().min(1).default(1),
  /** Maximum share of the records that hold a term. */
  atMost: z.number().gt(0).max(1).default(1),
  /** Maximum number of different terms in the sample, about 300 bytes each. */
  different: z.int().min(1).max(2_000_000).default(200_000),
  /**
   * Number of places that terms are hashed to, in place of a vocabulary: for samples with more different terms than memory
   * holds.
   */
  hashed: z.int().min(2).max(mostTerms).optional(),
  /** Maximum number of adjacent words in a term. */
  grams: z.int().min(1).max(5).default(1),
  /** Separator between the words of such a term. */
  joint: z.string().max(8).default(' '),
  /** Counts 1 + ln(occurrences) in place of occurrences. */
  sublinear: z.boolean().default(false),
  normalize: z.enum(['unit', 'none']).default('unit'),
});
