import { afterEach, expect, test } from 'vitest';
import { commonEnvironment } from '../configuration/common-environment.ts';
import { loadConfig } from '../configuration/load.ts';
import { createLogger } from '../logging/logger.ts';
import { createMetrics } from '../metrics/metrics.ts';
import { type AdminServer, adminAccess, startAdminServer } from './admin-server.ts';
import { createHealth } from './health.ts';

const logger = createLogger({ name: 'test', level: 'silent' });
const servers: AdminServer[] = [];
afterEach(() => Promise.all(servers.splice(0).map((server) => server.close())));

async function start(port = 0) {
  const [health, metrics] = [createHealth(), createMetrics()];
  const server = await startAdminServer({ host: '127.0.0.1', port, health, metrics, logger });
  servers.push(server);
  const get = async (path: string, method = 'GET') => {
    const response = await fetch(`${server.url}${path}`, { method });
    return {
      status: response.status,
      type: response.headers.get('content-type'),
      body: await response.text(),
    };
  };
  return { server, health, metrics, get };
}

test('is ready when all components are, and names those that are not', async () => {
  const { health, get } = await start();
  const setReady = health.part('partitions');
  expect(await get('/livez')).toMatchObject({ status: 200 });
  const before = await get('/readyz');
  expect(before.status).toBe(503);
  expect(JSON.parse(before.body)).toEqual({ status: 'not ready', parts: { partitions: 'starting' } });
  setReady(true);
  expect(await get('/readyz?verbose')).toMatchObject({ status: 200 });
  health.fail('store-unavailable');
  expect((await get('/livez')).status).toBe(503);
  expect((await get('/readyz')).status).toBe(503);
});

test('serves metrics and nothing else', async () => {
  const { metrics, get } = await start();
  metrics.counter('headwater_x_total', 'X.').add(3);
  const answer = await get('/metrics');
  expect(answer).toMatchObject({ status: 200, type: expect.stringContaining('text/plain') });
  expect(answer.body).toContain('headwater_x_total 3');
  expect(await get('/metrics', 'HEAD')).toMatchObject({ status: 200, body: '' });
  expect((await get('/metrics', 'POST')).status).toBe(405);
  expect((await get('/')).status).toBe(404);
});

test('requires a token for metrics with METRICS_ACCESS=read, and keeps probes open', async () => {
  const tokens = 'grafana read not-a-secret-but-long-enough';
  const config = loadConfig(commonEnvironment, { METRICS_ACCESS: 'read', AUTH_TOKENS: tokens });
  const server = await startAdminServer({
    ...adminAccess(config),
    host: '127.0.0.1',
    port: 0,
    health: createHealth(),
    metrics: createMetrics(),
    logger,
  });
  servers.push(server);
  const ask = async (path: string, authorization?: string) => {
    const headers: Record<string, string> = authorization === undefined ? {} : { authorization };
    const { status, headers: answered } = await fetch(`${server.url}${path}`, { headers });
    return [status, answered.get('www-authenticate')];
  };
  expect(await ask('/livez')).toEqual([200, null]);
  expect(await ask('/metrics')).toEqual([401, 'Bearer realm="headwater"']);
  expect(await ask('/metrics', 'Bearer not-the-one')).toEqual([401, 'Bearer realm="headwater"']);
  expect(await ask('/metrics', 'Bearer not-a-secret-but-long-enough')).toEqual([200, null]);
  expect(() => adminAccess(loadConfig(commonEnvironment, { METRICS_ACCESS: 'read' }))).toThrow('AUTH_TOKENS');
});

test('names the variable to change when its port is in use', async () => {
  const { server } = await start();
  const port = Number(new URL(server.url).port);
  await expect(start(port)).rejects.toMatchObject({
    code: 'config-invalid',
    message: expect.stringContaining(`ADMIN_PORT: port ${port} of 127.0.0.1 is in use by another program`),
  });
});

test('closes while a client keeps its connection open', async () => {
  const { server, get } = await start();
  await get('/livez');
  await server.close();
  await expect(get('/livez')).rejects.toThrow();
});
