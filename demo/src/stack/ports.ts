/** HTTP ports of the services: the default port while it is free, else any free one. */
import { createServer } from 'node:net';

/** `wanted` if that port is free, else 0: the system chooses one. */
export function freePortOr0(wanted: number, host: string): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(0));
    server.listen({ port: wanted, host, exclusive: true }, () => server.close(() => resolve(wanted)));
  });
}
