import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { Reader, request, Writer } from './wire.ts';

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

/** A fake broker that handles each connection with the given function. */
async function serve(onRequest: (socket: Socket, bytes: Buffer) => void): Promise<number> {
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.once('data', (bytes) => onRequest(socket, bytes));
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

describe('the wire format', () => {
  test('decodes its own output', () => {
    const long = 'x'.repeat(300);
    const bytes = new Writer()
      .int8(-1)
      .int16(-2)
      .int32(-3)
      .string('ä')
      .array([1, 2], (item, writer) => writer.int32(item))
      .compactString(long)
      .compactArray(['a'], (item, writer) => writer.compactString(item))
      .noTags()
      .int8(7)
      .bytes();
    const reader = new Reader(bytes);
    expect([reader.int8(), reader.int16(), reader.int32(), reader.string()]).toEqual([-1, -2, -3, 'ä']);
    expect(reader.array(() => reader.int32())).toEqual([1, 2]);
    expect(reader.compactString()).toBe(long);
    expect(reader.compactArray(() => reader.compactString())).toEqual(['a']);
    reader.tags();
    expect(reader.int8()).toBe(7);
  });

  test('skips tagged fields and decodes null strings', () => {
    const reader = new Reader(Buffer.from([1, 0, 2, 9, 9, 0xff, 0xff, 0, 5]));
    reader.tags();
    expect([reader.string(), reader.compactString(), reader.int8()]).toEqual([null, null, 5]);
  });
});

describe('a request', () => {
  const type = { key: 3, version: 5, isFlexible: false };

  test('has a header and waits for a response in pieces', async () => {
    let sent: Buffer = Buffer.alloc(0);
    const port = await serve((socket, bytes) => {
      sent = bytes;
      const response = new Writer().int32(8).int32(1).int32(42).bytes();
      socket.write(response.subarray(0, 6));
      setImmediate(() => socket.write(response.subarray(6)));
    });
    const reader = await request(port, type, new Writer().int8(1), 20_000);
    expect(reader.int32()).toBe(42);
    expect(sent.readInt32BE(0)).toBe(sent.length - 4);
    expect([sent.readInt16BE(4), sent.readInt16BE(6)]).toEqual([3, 5]);
  });

  test('fails when the connection closes without a response', async () => {
    const port = await serve((socket) => socket.end());
    await expect(request(port, type, new Writer(), 20_000)).rejects.toThrow('without a response');
  });

  test('fails without a response in time', async () => {
    const port = await serve(() => undefined);
    await expect(request(port, type, new Writer(), 50)).rejects.toThrow('within 50 ms');
  });
});
