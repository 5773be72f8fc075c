/** A proxy that sends each request to the next replica, as the service name of an orchestrator does. */
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface RoundRobin {
  readonly url: string;
  close(): void;
}

/** `replicas` is asked for each request: a replica may end. */
export async function openRoundRobin(replicas: () => readonly string[]): Promise<RoundRobin> {
  let turn = 0;
  const server = createServer((incoming, response) => {
    const urls = replicas();
    const target = urls[turn++ % urls.length] ?? '';
    forward(target, incoming, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

function forward(target: string, incoming: IncomingMessage, response: ServerResponse): void {
  const { method, headers, url: path } = incoming;
  const { hostname, port } = new URL(target);
  const outgoing = request({ hostname, port, path, method, headers }, (answer) => {
    response.writeHead(answer.statusCode ?? 502, answer.headers);
    answer.pipe(response);
  });
  outgoing.once('error', () => response.headersSent || response.writeHead(502).end());
  incoming.pipe(outgoing);
}
