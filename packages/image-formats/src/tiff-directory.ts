/** The first directory of a TIFF or BigTIFF: unsigned numbers by tag. */

/** Bytes per value by field type: BYTE, SHORT, LONG, LONG8. */
const WIDTHS: ReadonlyMap<number, number> = new Map([
  [1, 1],
  [3, 2],
  [4, 4],
  [16, 8],
]);

/** Limit on the values that are read of a field; no supported file has as many samples per pixel. */
const MOST_VALUES = 64;

/** Layout of both forms: position of the first directory's offset, and widths of count, entries and values. */
interface Form {
  readonly first: number;
  readonly offset: 4 | 8;
  readonly count: 2 | 8;
  readonly entry: 12 | 20;
}
const CLASSIC: Form = { first: 4, offset: 4, count: 2, entry: 12 };
const BIG: Form = { first: 8, offset: 8, count: 8, entry: 20 };

type ReadNumber = (at: number, width: number) => number;

/** Reads in the byte order of the file. Offsets over 2⁵³ lose precision, but are outside any file. */
function readerOf(bytes: Buffer): ReadNumber {
  if (bytes[0] === 0x49) {
    return (at, width) => (width === 8 ? Number(bytes.readBigUInt64LE(at)) : bytes.readUIntLE(at, width));
  }
  return (at, width) => (width === 8 ? Number(bytes.readBigUInt64BE(at)) : bytes.readUIntBE(at, width));
}

export interface Directory {
  /** The values of a field; empty where it is absent or has no unsigned numbers. */
  numbers(tag: number): readonly number[];
  /** The first value of a field. */
  number(tag: number): number | undefined;
}

function valuesAt(read: ReadNumber, form: Form, entry: number): number[] {
  const width = WIDTHS.get(read(entry + 2, 2));
  if (width === undefined) return [];
  const count = read(entry + 4, form.offset);
  const inside = entry + 4 + form.offset;
  const start = count * width <= form.offset ? inside : read(inside, form.offset);
  return Array.from({ length: Math.min(count, MOST_VALUES) }, (_, index) =>
    read(start + index * width, width),
  );
}

/** Throws RangeError where the directory or a requested value is outside the bytes. */
export function readDirectory(bytes: Buffer): Directory {
  const read = readerOf(bytes);
  const form = read(2, 2) === 43 ? BIG : CLASSIC;
  const start = read(form.first, form.offset);
  const count = read(start, form.count);
  const entries = new Map<number, number>();
  for (let index = 0; index < count; index += 1) {
    const entry = start + form.count + index * form.entry;
    const tag = read(entry, 2);
    if (!entries.has(tag)) entries.set(tag, entry);
  }
  const numbers = (tag: number) => {
    const entry = entries.get(tag);
    return entry === undefined ? [] : valuesAt(read, form, entry);
  };
  return { numbers, number: (tag) => numbers(tag)[0] };
}
