/** The part of Kafka's wire format for a few administrative requests to single brokers that may be down. */
import { connect } from 'node:net';

export interface RequestType {
  readonly key: number;
  readonly version: number;
  /** Header and body end with (empty) tagged fields. */
  readonly isFlexible: boolean;
}

const clientId = 'headwater-local';
const correlationId = 1;

/** Sends one request on a new connection. Errors: no response in time, or a closed connection. */
export function request(
  port: number,
  { key, version, isFlexible }: RequestType,
  body: Writer,
  timeoutMs: number,
): Promise<Reader> {
  const header = new Writer().int16(key).int16(version).int32(correlationId).string(clientId);
  if (isFlexible) header.int8(0);
  const message = Buffer.concat([header.bytes(), body.bytes()]);
  const framed = new Writer().int32(message.length).bytes();
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1' });
    let received = Buffer.alloc(0);
    const fail = (error: Error) => {
      socket.destroy();
      reject(error);
    };
    socket.setTimeout(timeoutMs, () => fail(new Error(`no response on port ${port} within ${timeoutMs} ms`)));
    socket.once('error', fail);
    socket.once('close', () => fail(new Error(`port ${port} closed the connection without a response`)));
    socket.once('connect', () => socket.write(Buffer.concat([framed, message])));
    socket.on('data', (chunk: Buffer) => {
      received = Buffer.concat([received, chunk]);
      if (received.length < 4 || received.length < 4 + received.readInt32BE(0)) return;
      const reader = new Reader(received.subarray(8));
      if (isFlexible) reader.tags();
      resolve(reader);
      socket.destroy();
    });
  });
}

export class Writer {
  readonly #parts: Buffer[] = [];

  bytes(): Buffer {
    return Buffer.concat(this.#parts);
  }

  int8(value: number): this {
    this.#allocate(1).writeInt8(value);
    return this;
  }

  int16(value: number): this {
    this.#allocate(2).writeInt16BE(value);
    return this;
  }

  int32(value: number): this {
    this.#allocate(4).writeInt32BE(value);
    return this;
  }

  string(value: string): this {
    const bytes = Buffer.from(value);
    this.int16(bytes.length).#parts.push(bytes);
    return this;
  }

  array<T>(items: readonly T[], write: (item: T, writer: this) => void): this {
    this.int32(items.length);
    for (const item of items) write(item, this);
    return this;
  }

  compactString(value: string): this {
    const bytes = Buffer.from(value);
    this.#varint(bytes.length + 1).#parts.push(bytes);
    return this;
  }

  compactArray<T>(items: readonly T[], write: (item: T, writer: this) => void): this {
    this.#varint(items.length + 1);
    for (const item of items) write(item, this);
    return this;
  }

  noTags(): this {
    return this.int8(0);
  }

  #varint(value: number): this {
    for (let rest = value; ; rest >>>= 7) {
      const isLast = rest < 0x80;
      this.#allocate(1).writeUInt8(isLast ? rest : (rest & 0x7f) | 0x80);
      if (isLast) return this;
    }
  }

  #allocate(length: number): Buffer {
    const part = Buffer.alloc(length);
    this.#parts.push(part);
    return part;
  }
}

export class Reader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  int8(): number {
    return this.#bytes.readInt8(this.#move(1));
  }

  int16(): number {
    return this.#bytes.readInt16BE(this.#move(2));
  }

  int32(): number {
    return this.#bytes.readInt32BE(this.#move(4));
  }

  /** A nullable string. */
  string(): string | null {
    return this.#text(this.int16());
  }

  array<T>(read: () => T): T[] {
    return Array.from({ length: this.int32() }, read);
  }

  compactString(): string | null {
    return this.#text(this.#varint() - 1);
  }

  compactArray<T>(read: () => T): T[] {
    return Array.from({ length: this.#varint() - 1 }, read);
  }

  /** Skips tagged fields. */
  tags(): void {
    for (let left = this.#varint(); left > 0; left--) {
      this.#varint();
      this.#move(this.#varint());
    }
  }

  #text(length: number): string | null {
    if (length < 0) return null;
    const start = this.#move(length);
    return this.#bytes.toString('utf8', start, start + length);
  }

  #varint(): number {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = this.#bytes.readUInt8(this.#move(1));
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
  }

  #move(length: number): number {
    const start = this.#at;
    this.#at += length;
    return start;
  }
}
