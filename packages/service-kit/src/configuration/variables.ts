/**
 * Types of environment variables. Each parses and checks text, and describes the expected form for error messages,
 * `--help` and the reference.
 */
import { z } from 'zod';
import { type AccessTokens, parseTokens, tokenLineForm } from '../auth/access-tokens.ts';

/** Metadata of a variable, kept in zod's metadata. */
export interface VariableMetadata {
  readonly description?: string;
  /** Completes "expected …". */
  readonly expected?: string;
  /** The value is never shown, and may be in the file `<NAME>_FILE`. */
  readonly secret?: boolean;
  /** Variables that this one requires. */
  readonly requires?: readonly string[];
  /** Default as written, where it differs from the value. */
  readonly shownDefault?: string;
}

/** A variable that is parsed from text; `read` returns undefined for invalid text. */
function variable<T>(expected: string, read: (text: string) => T | undefined, notes: VariableMetadata = {}) {
  return z
    .string()
    .transform((text, context): T => {
      const value = read(text);
      if (value !== undefined) return value;
      context.addIssue({ code: 'custom', message: `expected ${expected}` });
      return z.NEVER;
    })
    .meta({ expected, ...notes });
}

/** Any text. */
export function text(expected = 'text') {
  return variable(expected, (given) => given);
}

/** Text that is never shown; may be in the file that `<NAME>_FILE` names. */
export function secret(expected = 'text') {
  return variable(expected, (given) => given, { secret: true });
}

/** Bearer tokens, stored as digests; may be in the file that `<NAME>_FILE` names. */
export function tokens() {
  const expected = `lines, or entries separated by semicolons, of the form ${tokenLineForm}`;
  return secret(expected).transform((given, context): AccessTokens => {
    const tokens = parseTokens(given);
    if (!('problem' in tokens)) return tokens;
    context.addIssue({ code: 'custom', message: tokens.problem });
    return z.NEVER;
  });
}

export interface Range {
  readonly min?: number;
  readonly max?: number;
}

/** A whole number in decimal digits. */
export function integer(range: Range = {}) {
  return variable(`a whole number${inWords(range)}`, (given) => {
    const value = /^[+-]?\d{1,16}$/.test(given) ? Number(given) : Number.NaN;
    return Number.isSafeInteger(value) && isWithin(value, range) ? value : undefined;
  });
}

/** A decimal number. */
export function decimal(range: Range = {}) {
  return variable(`a number${inWords(range)}`, (given) => {
    const value = /^[+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d+)?$/i.test(given) ? Number(given) : Number.NaN;
    return Number.isFinite(value) && isWithin(value, range) ? value : undefined;
  });
}

/** A TCP port; 0 selects a free port. */
export function port() {
  return integer({ min: 0, max: 65_535 });
}

const flags = new Map([
  ...['true', '1', 'yes'].map((word) => [word, true] as const),
  ...['false', '0', 'no'].map((word) => [word, false] as const),
]);

/** Yes or no. */
export function flag() {
  return variable('true or false', (given) => flags.get(given.toLowerCase()));
}

/** One of several words. */
export function choice<const T extends string>(values: readonly T[]) {
  return variable(`one of ${values.join(', ')}`, (given) => values.find((value) => value === given));
}

/** Words separated by commas; empty ones are ignored. */
export function list(expected = 'words separated by commas') {
  return variable(expected, (given): readonly string[] | undefined => {
    const words = given.split(',').map((word) => word.trim());
    const filled = words.filter((word) => word !== '');
    return filled.length > 0 ? filled : undefined;
  });
}

/** An http or https URL. Credentials have separate variables, which are not shown. */
export function httpUrl() {
  return variable('an http:// or https:// URL without credentials in it', (given) => {
    if (!URL.canParse(given)) return undefined;
    const url = new URL(given);
    const isHttp = url.protocol === 'http:' || url.protocol === 'https:';
    return isHttp && url.username === '' && url.password === '' ? given : undefined;
  });
}

const milliseconds = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** A duration in milliseconds; `forever`, where allowed, is −1. */
export function duration(options: { readonly forever?: boolean } & Range = {}) {
  const forever = options.forever === true ? ' or forever' : '';
  return variable(`a time such as 500ms, 30s, 15m, 12h, 7d${forever}`, (given) => {
    if (given === 'forever') return options.forever === true ? -1 : undefined;
    return scaled(given, milliseconds, options);
  });
}

const byteUnits = {
  B: 1,
  KB: 1_000,
  MB: 1_000_000,
  GB: 1e9,
  KiB: 1_024,
  MiB: 1_048_576,
  GiB: 1_073_741_824,
} as const;

/** A size in bytes. */
export function byteSize(range: Range = {}) {
  return variable(`a size such as 500000B, 900KB, 1MiB${inWords(range, ' bytes')}`, (given) =>
    scaled(/^\d+$/.test(given) ? `${given}B` : given, byteUnits, range),
  );
}

function scaled(given: string, units: Readonly<Record<string, number>>, range: Range): number | undefined {
  const [, amount, unit] = /^(\d+(?:\.\d+)?)\s*([a-zA-Z]+)$/.exec(given) ?? [];
  const scale = units[unit ?? ''];
  if (scale === undefined) return undefined;
  const value = Math.round(Number(amount) * scale);
  return Number.isSafeInteger(value) && isWithin(value, range) ? value : undefined;
}

function isWithin(value: number, { min = -Infinity, max = Infinity }: Range): boolean {
  return value >= min && value <= max;
}

function inWords({ min, max }: Range, unit = ''): string {
  if (min !== undefined && max !== undefined) return ` from ${min} to ${max}${unit}`;
  if (min !== undefined) return ` of at least ${min}${unit}`;
  return max === undefined ? '' : ` of at most ${max}${unit}`;
}
