/**
 * Odd image ids: as text in JSON and CSV, as the key of a record, and as a segment of a path, which clients,
 * proxies and attackers encode differently.
 */
import type { Random } from '../chaos/random.ts';

/** Ids of one character, of the maximum length, and one byte longer. */
const longest = 1_024;
const longOnes = [
  'x'.repeat(longest),
  'x'.repeat(longest + 1),
  'ä'.repeat(longest / 2),
  `${'ä'.repeat(longest / 2)}a`,
  '🙂'.repeat(longest / 4),
  'x'.repeat(3_000),
];
const pathLike = [
  '.',
  '..',
  '...',
  '/',
  '//',
  '../..',
  'a/b',
  '\\',
  '?a=b#c',
  ';',
  '%',
  '%2e%2e',
  '%00',
  '%ff',
];
const controls = [
  '\0',
  'a\0b',
  '\n',
  'a\r\nx: y',
  '\t',
  '\x1b[2J',
  '\x7f',
  '\x85',
  '\u2028',
  '\u202eabc',
  '\ufeffa',
];
const surrogates = ['\ud800', 'a\udfffb', '\udc00\ud800'];
const plainWords = [
  '__proto__',
  'constructor',
  'toString',
  'null',
  '-1',
  '1e3',
  ' ',
  ' a ',
  '+',
  '"',
  "'",
  ',',
];
/** Ids that look equal and differ. */
const twins = ['\u00e9', 'e\u0301', '\u212b', '\u00c5', '👩\u200d👩\u200d👧'];
const texts = ['', ...pathLike, ...controls, ...surrogates, ...plainWords, ...twins, ...longOnes];

/** Invalid UTF-8: half of a surrogate pair, an invalid byte, an overlong dot, truncated sequences. */
const broken = ['eda080', '61edbfbf62', 'ff', 'c0ae', 'c0aec0ae', 'e282', '80', 'f4908080', 'fe61'];
const allBytes = [
  ...texts.map((text) => Buffer.from(text)),
  ...broken.map((bytes) => Buffer.from(bytes, 'hex')),
];

/** With half of a surrogate pair among them: as JSON it is written `\ud800`. */
export const oddText = (random: Random): string => random.pick(texts);

export const oddBytes = (random: Random): Buffer => random.pick(allBytes);

const encodings: readonly ((bytes: Buffer) => string)[] = [
  (bytes) => encode(bytes, () => true),
  (bytes) => encode(bytes, isReserved),
  (bytes) => encode(bytes, isReserved).toLowerCase(),
  (bytes) => encode(Buffer.from(encode(bytes, isReserved)), isReserved),
  (bytes) => bytes.toString('latin1'),
];

/** Percent-encoded: wholly, as clients do it, twice, or not at all. A character stands for the byte of its number. */
export const oddSegment = (random: Random): string => random.pick(encodings)(oddBytes(random));

function encode(bytes: Buffer, isEncoded: (byte: number) => boolean): string {
  return Array.from(bytes, (byte) =>
    isEncoded(byte) ? `%${byte.toString(16).toUpperCase().padStart(2, '0')}` : String.fromCharCode(byte),
  ).join('');
}

function isReserved(byte: number): boolean {
  return !/[A-Za-z0-9._~-]/.test(String.fromCharCode(byte));
}
