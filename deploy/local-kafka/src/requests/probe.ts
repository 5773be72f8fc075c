/**
 * Checks that a broker serves requests: an open port only shows that a process listens. ApiVersions is small and needs
 * no authentication.
 */
import { connect } from 'node:net';

const apiVersionsKey = 18;
const correlationId = 0x48_57;

/** True when the broker responds in time. Never throws. */
export function isServing(port: number, timeoutMs: number, host = '127.0.0.1'): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host });
    const end = (serving: boolean) => {
      socket.destroy();
      resolve(serving);
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

/** Size, then header version 1 (API key, API version 0, correlation id, no client id) and an empty body. */
function apiVersionsRequest(): Buffer {
  const request = Buffer.alloc(14);
  request.writeInt32BE(10, 0);
  request.writeInt16BE(apiVersionsKey, 4);
  request.writeInt16BE(0, 6);
  request.writeInt32BE(correlationId, 8);
  request.writeInt16BE(-1, 12);
  return request;
}
