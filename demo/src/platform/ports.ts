/** The services' HTTP ports: the ones people expect, while they are free; a free one otherwise. */
import { createServer } from 'node:net';

/** `wanted` if nobody listens there, else 0, which lets the system choose. */
export function freePortOr0(wanted: number, host: string): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(0));
    server.listen({ port: wanted, host, exclusive: true }, () => server.close(() => resolve(wanted)));
  });
}
