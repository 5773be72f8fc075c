/** A test server on `createHttpServer`: one route for each role, one that waits, one page. */
import { createConnection } from 'node:net';
import { createLogger, createMetrics, loadConfig, type Metrics, variables } from '@headwater/service-kit';
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import type { AccessTable } from '../access.ts';
import { httpEnvironment } from '../environment.ts';
import type { PeerAcceptance } from '../peers/accept-peers.ts';
import { createHttpServer, listenHttp } from '../server.ts';

const environment = z.object({
  ...httpEnvironment,
  HTTP_PORT: variables.port().default(0),
  AUTH_TOKENS: variables.tokens().optional(),
});

export const access: AccessTable = {
  'GET /open': 'open',
  'GET /things': 'read',
  'POST /things': 'write',
  'DELETE /things': 'admin',
  'GET /slow': 'read',
  'GET /page': 'read',
};

export interface TestServer extends AsyncDisposable {
  readonly app: FastifyInstance;
  readonly url: string;
  readonly metrics: Metrics;
  /** Lets the requests to /slow end. */
  release(): void;
  /** Writes to a new connection; resolves to the response when the connection is closed. */
  say(...texts: readonly string[]): Promise<string>;
}

export async function serve(
  given: Readonly<Record<string, string>> = {},
  prepare?: (app: FastifyInstance) => void,
  peers?: PeerAcceptance,
): Promise<TestServer> {
  const config = loadConfig(environment, given);
  const metrics = createMetrics({ processDefaults: false });
  const logger = createLogger({ name: 'test', level: 'silent' });
  const app = createHttpServer({
    service: 'test',
    config,
    logger,
    metrics,
    access,
    requestTimeoutMs: 60_000,
    peers,
  });
  let release = () => {};
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  app.get('/open', async () => 'open');
  app.get('/things', async () => ({ things: [] }));
  app.post('/things', async () => ({ made: true }));
  app.delete('/things', async () => ({ gone: true }));
  app.get('/forgotten', async () => 'not in the table');
  app.get('/slow', async () => released.then(() => 'at last'));
  app.get('/page', async (_request, reply) =>
    reply.type('text/html').send('<!doctype html><title>Page</title>'),
  );
  prepare?.(app);
  const url = await listenHttp(app, config);
  return {
    app,
    url,
    metrics,
    release,
    say: (...texts) => converse(Number(new URL(url).port), texts),
    [Symbol.asyncDispose]: async () => {
      release();
      app.server.closeAllConnections();
      await app.close();
    },
  };
}

function converse(port: number, texts: readonly string[]): Promise<string> {
  return new Promise((resolve) => {
    const socket = createConnection(port, '127.0.0.1');
    let answer = '';
    socket.on('data', (data) => {
      answer += data.toString();
    });
    socket.on('error', () => undefined);
    socket.once('close', () => resolve(answer));
    for (const text of texts) socket.write(text);
  });
}
