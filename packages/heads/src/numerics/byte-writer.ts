/**
 * Versioned bytes of training sets and heads: little-endian, strings with a length before them, arrays of numbers aligned to
 * eight bytes so that they can be read without copying each element.
 */
import { HeadwaterError } from '@headwater/errors';

type NumberArray = Int16Array | Float32Array | Float64Array;

/** Collects parts; `finish` concatenates them into one new ArrayBuffer. */
export class ByteWriter {
  #length = 0;
  readonly #parts: { readonly at: number; readonly bytes: Uint8Array }[] = [];

  uint32(value: number): void {
    const bytes = new Uint8Array(4);
    new DataView(bytes.buffer).setUint32(0, value, true);
    this.#push(bytes);
  }

  text(value: string): void {
    const bytes = new TextEncoder().encode(value);
    this.uint32(bytes.length);
    this.#push(bytes);
  }

  /** The array must not change before `finish`. */
  numbers(values: NumberArray): void {
    this.uint32(values.length);
    this.#length = align(this.#length);
    this.#push(littleEndianBytes(values));
  }

  finish(): Uint8Array<ArrayBuffer> {
    const bytes = new Uint8Array(this.#length);
    for (const part of this.#parts) bytes.set(part.bytes, part.at);
    return bytes;
  }

  #push(bytes: Uint8Array): void {
    this.#parts.push({ at: this.#length, bytes });
    this.#length += bytes.length;
  }
}

/** Reads the bytes of ByteWriter. Errors: the given code, where the bytes end too early. */
export class ByteReader {
  #at = 0;
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #code: 'head-invalid' | 'statistics-mismatch';

  constructor(bytes: Uint8Array, code: 'head-invalid' | 'statistics-mismatch') {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#code = code;
  }

  uint32(): number {
    return this.#view.getUint32(this.#advance(4), true);
  }

  text(): string {
    const length = this.uint32();
    const start = this.#advance(length);
    return new TextDecoder().decode(this.#bytes.subarray(start, start + length));
  }

  int16s(): Int16Array<ArrayBuffer> {
    return new Int16Array(this.#copyNumbers(2));
  }

  float32s(): Float32Array<ArrayBuffer> {
    return new Float32Array(this.#copyNumbers(4));
  }

  float64s(): Float64Array<ArrayBuffer> {
    return new Float64Array(this.#copyNumbers(8));
  }

  /** Throws unless all bytes were read. */
  end(): void {
    if (this.#at !== this.#bytes.length) this.#fail();
  }

  #copyNumbers(size: number): ArrayBuffer {
    const count = this.uint32();
    this.#at = align(this.#at);
    const start = this.#advance(count * size);
    // Not `slice`: that of a Buffer returns a view of the whole underlying pool.
    return new Uint8Array(this.#bytes.subarray(start, start + count * size)).buffer;
  }

  #advance(length: number): number {
    const start = this.#at;
    if (start + length > this.#bytes.length) this.#fail();
    this.#at = start + length;
    return start;
  }

  #fail(): never {
    throw new HeadwaterError(this.#code, 'stored bytes are truncated, too long, or of another kind');
  }
}

/** The bytes of an array of numbers. All platforms of Node.js that Headwater supports are little-endian. */
export function littleEndianBytes(values: NumberArray): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}

function align(length: number): number {
  return Math.ceil(length / 8) * 8;
}
