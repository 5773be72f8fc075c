import { createServer, type Server, type Socket } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { findFreePorts, isFree } from '../ports.ts';
import { isServing } from './probe.ts';

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

async function serve(handle: (socket: Socket, request: Buffer) => void): Promise<number> {
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.on('data', (request) => handle(socket, request));
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as { readonly port: number }).port;
}

function reply(request: Buffer, errorCode = 0): Buffer {
  const answer = Buffer.alloc(10);
  answer.writeInt32BE(6, 0);
  request.copy(answer, 4, 8, 12);
  answer.writeInt16BE(errorCode, 8);
  return answer;
}

test('accepts a response with its correlation id, also in pieces', async () => {
  const port = await serve((socket, request) => {
    socket.write(reply(request).subarray(0, 5));
    setTimeout(() => socket.write(reply(request).subarray(5)), 20);
  });
  expect(await isServing(port, 5_000)).toBe(true);
});

test('rejects an error, another protocol, a timeout, a closed connection and a closed port', async () => {
  const error = await serve((socket, request) => socket.write(reply(request, 35)));
  const http = await serve((socket) => socket.write('HTTP/1.1 400 Bad Request\r\n\r\n'));
  const silent = await serve(() => undefined);
  const rude = await serve((socket) => socket.destroy());
  const [closed = 0] = await findFreePorts(1);
  const found = await Promise.all([error, http, silent, rude, closed].map((port) => isServing(port, 500)));
  expect(found).toEqual([false, false, false, false, false]);
});

test('free ports are different and free', async () => {
  const ports = await findFreePorts(5);
  expect(new Set(ports).size).toBe(5);
  const taken = await serve(() => undefined);
  expect(await isFree(taken)).toBe(false);
});
