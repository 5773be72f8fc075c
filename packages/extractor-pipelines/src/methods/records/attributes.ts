/** Attributes come as text; what they are is said by the chain, and read here in one way for all who use them. */
import { HeadwaterError } from '@headwater/errors';

export type AttributeType = 'text' | 'number' | 'category';

/** Decimal, with or without an exponent. */
const decimal = /^[+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d+)?$/i;

/** The number that a text writes; undefined where it writes none, or one that is too large. */
export function numberOf(text: string): number | undefined {
  const trimmed = text.trim();
  const number = decimal.test(trimmed) ? Number(trimmed) : Number.NaN;
  return Number.isFinite(number) ? number : undefined;
}

/**
 * One way of writing an attribute; undefined where it is missing: not there, or nothing but white space.
 * Errors: record-unfit where a number is wanted and none is written.
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
  const message = `The attribute ${name} is no number.`;
  throw new HeadwaterError('record-unfit', message, { context: { attribute: name } });
}
