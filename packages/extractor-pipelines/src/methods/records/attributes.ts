/** Attributes are texts; the chain declares their types, and this file parses them in the same way for all methods. */
import { HeadwaterError } from '@headwater/errors';

export type AttributeType = 'text' | 'number' | 'category';

/** Decimal, with or without an exponent. */
const decimal = /^[+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d+)?$/i;

/** The number in a text; undefined if it contains none, or one that is too large. */
export function numberOf(text: string): number | undefined {
  const trimmed = text.trim();
  const number = decimal.test(trimmed) ? Number(trimmed) : Number.NaN;
  return Number.isFinite(number) ? number : undefined;
}

/**
 * The normalized notation of an attribute; undefined if it is missing: absent, or only white space. Errors: record-unfit for a
 * number attribute that is not a number.
 */
export function conformAttribute(
  name: string,
  text: string | undefined,
  as: AttributeType,
): string | undefined {
  const trimmed = text?.normalize('NFC').trim() ?? '';
  if (trimmed === '') return undefined;
  if (as !== 'number') return trimmed;
  const number = numberOf(trimmed);
  if (number !== undefined) return String(number);
  const message = `attribute ${name} is not a number`;
  throw new HeadwaterError('record-unfit', message, { context: { attribute: name } });
}
