/**
 * Parses schemas into avsc types that are safe on untrusted bytes. avsc's own types trust a block count of billions
 * (and loop or allocate accordingly), read integers over 32 bits, silently replace invalid UTF-8, and lose the map
 * key `__proto__`.
 */
import { isUtf8 } from 'node:buffer';
import { HeadwaterError } from '@headwater/errors';
import avro, { type Type } from 'avsc';

/** The part of avsc's read position that the types below use; missing in avsc's typings. */
interface Tap {
  readonly buf: Buffer;
  pos: number;
  readLong(): number;
  skipLong(): void;
  writeLong(value: number): void;
  writeString(text: string): void;
}
interface Part {
  _read(tap: Tap): unknown;
  _skip(tap: Tap): void;
  _write(tap: Tap, value: unknown): void;
}
// biome-ignore lint/complexity/noBannedTypes: avsc's typings leave the instances open
type Constructor = new (schema?: unknown, options?: unknown) => {};

function concrete(name: string): Constructor {
  const type = (avro as unknown as { types: Record<string, Constructor> }).types[name];
  if (type === undefined) throw new HeadwaterError('unexpected', `avsc has no ${name}`);
  return type;
}

/** Entries of the next block of an array or map; each needs at least one byte, which bounds the count. */
function readCount(tap: Tap): number {
  const count = tap.readLong();
  if (count < 0) tap.skipLong(); // the block's size in bytes, which is not needed
  const entries = Math.abs(count);
  if (!(entries <= tap.buf.length - tap.pos))
    throw new Error('a block counts more entries than bytes are left');
  return entries;
}

function readText(tap: Tap): string {
  const length = tap.readLong();
  const start = tap.pos;
  if (!(length >= 0 && length <= tap.buf.length - start)) throw new Error('truncated buffer');
  tap.pos = start + length;
  const text = tap.buf.toString('utf8', start, tap.pos);
  // Only a text with the replacement character can result from invalid UTF-8, so only those are checked.
  if (text.includes('\uFFFD') && !isUtf8(tap.buf.subarray(start, tap.pos))) {
    throw new Error('a string is not UTF-8');
  }
  return text;
}

/** Sets an entry, also for `__proto__`, which an assignment would treat as the prototype. */
function setOwn(entries: Record<string, unknown>, key: string, value: unknown): void {
  if (key !== '__proto__') entries[key] = value;
  else Object.defineProperty(entries, key, { value, writable: true, enumerable: true, configurable: true });
}

class BoundedArray extends concrete('ArrayType') {
  declare readonly itemsType: Part;
  _read(tap: Tap): unknown[] {
    const items: unknown[] = [];
    for (let left = readCount(tap); left > 0; left = readCount(tap)) {
      while (left-- > 0) items.push(this.itemsType._read(tap));
    }
    return items;
  }
  _skip(tap: Tap): void {
    for (let left = readCount(tap); left > 0; left = readCount(tap)) {
      while (left-- > 0) this.itemsType._skip(tap);
    }
  }
}

class BoundedMap extends concrete('MapType') {
  declare readonly valuesType: Part;
  _read(tap: Tap): Record<string, unknown> {
    const entries: Record<string, unknown> = {};
    for (let left = readCount(tap); left > 0; left = readCount(tap)) {
      while (left-- > 0) setOwn(entries, readText(tap), this.valuesType._read(tap));
    }
    return entries;
  }
  _skip(tap: Tap): void {
    for (let left = readCount(tap); left > 0; left = readCount(tap)) {
      while (left-- > 0) {
        readText(tap);
        this.valuesType._skip(tap);
      }
    }
  }
  _write(tap: Tap, value: unknown): void {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new Error('not a map');
    const entries = Object.entries(value);
    if (entries.length > 0) tap.writeLong(entries.length);
    for (const [key, entry] of entries) {
      strictString._write(tap, key);
      this.valuesType._write(tap, entry);
    }
    tap.writeLong(0);
  }
}

const isWellFormed = (text: unknown): boolean =>
  typeof text === 'string' && (text as unknown as { isWellFormed(): boolean }).isWellFormed();

class StrictString extends concrete('StringType') {
  _read(tap: Tap): string {
    return readText(tap);
  }
  _check(text: unknown, _flags: unknown, hook?: (value: unknown, type: unknown) => void): boolean {
    const valid = isWellFormed(text);
    if (!valid) hook?.(text, this);
    return valid;
  }
  _write(tap: Tap, text: string): void {
    if (!isWellFormed(text)) throw new Error('not a well-formed string');
    tap.writeString(text);
  }
}

class StrictInt extends concrete('IntType') {
  _read(tap: Tap): number {
    const value = tap.readLong();
    if (value !== (value | 0)) throw new Error('an int has more than 32 bits');
    return value;
  }
}

const strictString = new StrictString();
const strictInt = new StrictInt();

/** Called by avsc for each nested schema; undefined selects avsc's own type. */
function chooseType(schema: unknown, options: unknown): Type | undefined {
  const name = typeof schema === 'string' ? schema : (schema as { type?: unknown }).type;
  if (name === 'string') return strictString as unknown as Type;
  if (name === 'int') return strictInt as unknown as Type;
  if (name === 'array') return new BoundedArray(schema, options) as unknown as Type;
  if (name === 'map') return new BoundedMap(schema, options) as unknown as Type;
  return undefined;
}

/** Parses a schema independently of others, so that two schemas may use the same names. Errors: those of avsc. */
export function parseType(schema: object): Type {
  return avro.Type.forSchema(schema as Parameters<typeof avro.Type.forSchema>[0], {
    typeHook: chooseType,
    omitRecordMethods: true,
  });
}
