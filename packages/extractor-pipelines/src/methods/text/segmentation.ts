/**
 * A text as its characters or words, in the sense of Unicode (UAX 29), as the ICU library of the engine cuts them: which words there are
 * depends on its version, so that the version counts in a link's digest.
 */
import { HeadwaterError } from '@headwater/errors';
import type { Stage } from '@headwater/extractors';
import { z } from 'zod';
import { makeStage } from '../../learning/make-stage.ts';
import { textOf, unfit } from '../../learning/values.ts';

export const takesText = ['text', 'category', 'missing'] as const;

/** UTF-16 code units of one text. */
const longestText = 100_000;

export const textOptions = {
  /** `NFC` makes one of the ways to write an accent; `NFKC` also makes plain what is a mere form (ﬁ, ², full width). */
  normalize: z.enum(['NFC', 'NFKC', 'none']).default('NFC'),
  /** Capital and small letters become one. */
  foldCase: z.boolean().default(true),
  /** BCP 47; few languages cut otherwise than English, which is the same on every machine. */
  locale: z.string().min(1).max(64).default('en'),
};

interface TextOptions extends Readonly<Record<string, unknown>> {
  readonly normalize: 'NFC' | 'NFKC' | 'none';
  readonly foldCase: boolean;
  readonly locale: string;
}

export interface Segment {
  readonly segment: string;
  /** A word, and not what stands between words. */
  readonly isWordLike?: boolean | undefined;
}

interface SegmentationParts {
  readonly method: string;
  readonly granularity: 'grapheme' | 'word';
  readonly options: TextOptions;
  readonly keep: (segment: Segment) => boolean;
}

/** Errors: config-invalid, for a locale that this engine can't do. */
export function openSegmentation({ method, granularity, options, keep }: SegmentationParts): Stage {
  const segmenter = openSegmenter(options.locale, granularity);
  return makeStage({
    method,
    version: 1,
    takes: takesText,
    gives: 'tokens',
    dimensions: null,
    options,
    environment: `icu ${process.versions.icu}, unicode ${process.versions.unicode}`,
    apply(value) {
      const text = textOf(value) ?? '';
      if (text.length > longestText) throw unfit(method, `takes texts of at most ${longestText} characters`);
      const tokens: string[] = [];
      for (const segment of segmenter.segment(plainText(text, options))) {
        if (keep(segment)) tokens.push(segment.segment);
      }
      return { type: 'tokens', tokens };
    },
  });
}

function openSegmenter(locale: string, granularity: 'grapheme' | 'word'): Intl.Segmenter {
  if (isKnown(locale)) return new Intl.Segmenter(locale, { granularity });
  throw new HeadwaterError('config-invalid', `locale: this engine does not know ${locale}`);
}

/** An unknown one would silently be replaced by that of the machine. */
function isKnown(locale: string): boolean {
  try {
    return Intl.Segmenter.supportedLocalesOf(locale).length > 0;
  } catch {
    return false;
  }
}

/** Normalized again after folding: a folded letter may come in two parts. */
function plainText(text: string, { normalize, foldCase }: TextOptions): string {
  const normalized = normalize === 'none' ? text : text.normalize(normalize);
  if (!foldCase) return normalized;
  const folded = fold(normalized);
  return normalize === 'none' ? folded : folded.normalize(normalize);
}

/**
 * Full case folding, but for a few letters: small, capital, and small again makes one of ẞ, ß and ss. One code point at a time, for
 * the small form of Σ depends on its neighbours.
 */
function fold(text: string): string {
  let folded = '';
  for (const character of text) folded += small(small(character).toUpperCase());
  return folded;
}

function small(characters: string): string {
  return characters.length === 1
    ? characters.toLowerCase()
    : Array.from(characters, (one) => one.toLowerCase()).join('');
}
