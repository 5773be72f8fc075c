/**
 * Asks a broker whether it serves requests: an open port only says that a process listens. ApiVersions is the
 * one request that every broker answers to everybody, and it is small enough to write by hand.
 */
import { connect } from 'node:net';

const apiVersionsKey = 18;
const correlationId = 0x48_57;

/** True when the broker answers within the time. Never throws. */
export function answers(port: number, timeoutMs: number, host = '127.0.0.1'): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host });
    const end = (answer: boolean) => {
      socket.destroy();
      resolve(answer);
    };
    let received = Buffer.alloc(0);
    socket.setTimeout(timeoutMs, () => end(false));
    socket.once('error', () => end(false));
    socket.once('close', () => end(false));
    socket.once('connect', () => socket.write(apiVersionsRequest()));
    socket.on('data', (chunk) => {
      received = Buffer.concat([received, chunk]);
      if (received.length >= 10)
        end(received.readInt32BE(4) === correlationId && received.readInt16BE(8) === 0);
    });
  });
}

/** Size, then header version 1 (api key, api version 0, correlation id, no client id); the body is empty. */
function apiVersionsRequest(): Buffer {
  const request = Buffer.alloc(14);
  request.writeInt32BE(10, 0);
  request.writeInt16BE(apiVersionsKey, 4);
  request.writeInt16BE(0, 6);
  request.writeInt32BE(correlationId, 8);
  request.writeInt16BE(-1, 12);
  return request;
}
