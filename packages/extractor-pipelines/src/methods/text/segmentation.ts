/**
 * Splits a text into characters or words, as defined by Unicode (UAX 29) and implemented by the ICU library of the engine. Word
 * boundaries depend on its version, so the version is part of a step's digest.
 */
import { HeadwaterError } from '@headwater/errors';
import type { Stage } from '@headwater/extractors';
import { z } from 'zod';
import { makeStage } from '../../learning/make-stage.ts';
import { textOf, unfit } from '../../learning/values.ts';

export const takesText = ['text', 'category', 'missing'] as const;

/** Maximum length of one text in UTF-16 code units. */
const longestText = 100_000;

export const textOptions = {
  /** `NFC` unifies the encodings of an accent; `NFKC` also replaces compatibility characters (ﬁ, ², full width). */
  normalize: z.enum(['NFC', 'NFKC', 'none']).default('NFC'),
  /** Makes upper and lower case equal. */
  foldCase: z.boolean().default(true),
  /** BCP 47; few languages are segmented differently from English, which is the same on every machine. */
  locale: z.string().min(1).max(64).default('en'),
};

interface TextOptions extends Readonly<Record<string, unknown>> {
  readonly normalize: 'NFC' | 'NFKC' | 'none';
  readonly foldCase: boolean;
  readonly locale: string;
}

export interface Segment {
  readonly segment: string;
  /** A word, and not the text between words. */
  readonly isWordLike?: boolean | undefined;
}

interface SegmentationParts {
  readonly method: string;
  readonly granularity: 'grapheme' | 'word';
  readonly options: TextOptions;
  readonly keep: (segment: Segment) => boolean;
}

/** Errors: config-invalid, for a locale that this engine does not support. */
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
  throw new HeadwaterError('config-invalid', `locale: ${locale} is not supported by this engine`);
}

/** An unknown locale would silently be replaced by that of the machine. */
function isKnown(locale: string): boolean {
  try {
    return Intl.Segmenter.supportedLocalesOf(locale).length > 0;
  } catch {
    return false;
  }
}

/** Normalized again after folding, since a folded letter may have two parts. */
function plainText(text: string, { normalize, foldCase }: TextOptions): string {
  const normalized = normalize === 'none' ? text : text.normalize(normalize);
  if (!foldCase) return normalized;
  const folded = fold(normalized);
  return normalize === 'none' ? folded : folded.normalize(normalize);
}

/**
 * Full case folding, except for a few letters: lower, upper, and lower again maps ẞ, ß and ss to one form. One code point at a
 * time, since the lower case of Σ depends on its neighbours.
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
