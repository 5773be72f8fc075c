import { createConnection, type Socket } from 'node:net';
import { describe, expect, test, vi } from 'vitest';
import { serve } from './testing/test-server.ts';

/** The response, and the milliseconds until the connection was closed. */
async function timed(conversation: Promise<string>): Promise<{ answer: string; took: number }> {
  const begun = performance.now();
  const answer = await conversation;
  return { answer, took: performance.now() - begun };
}

describe('slow clients', () => {
  test('that send headers slowly or send nothing are disconnected', async () => {
    await using served = await serve({ HTTP_HEADERS_TIMEOUT: '300ms' });
    const port = Number(new URL(served.url).port);
    const drips: NodeJS.Timeout[] = [];
    const lost = Array.from({ length: 200 }, (_, index) => {
      const socket = createConnection(port, '127.0.0.1');
      socket.on('error', () => undefined).resume();
      if (index % 2 === 0) {
        socket.write('GET /things HTTP/1.1\r\nHost: localhost\r\n');
        drips.push(setInterval(() => socket.writable && socket.write(`X-${index}: y\r\n`), 50));
      }
      return new Promise<void>((resolve) => socket.once('close', () => resolve()));
    });
    // Other clients still get responses.
    expect((await fetch(`${served.url}/things`)).status).toBe(200);
    await Promise.all(lost);
    for (const drip of drips) clearInterval(drip);
    expect((await fetch(`${served.url}/things`)).status).toBe(200);
  });

  test('get a problem document with the reason', async () => {
    await using served = await serve({ HTTP_HEADERS_TIMEOUT: '200ms' });
    const { answer, took } = await timed(served.say('GET /things HTTP/1.1\r\nHost: loc'));
    expect(answer).toMatch(/^HTTP\/1.1 408 .*application\/problem\+json.*request-invalid/s);
    expect(took).toBeGreaterThan(150);
  });
});

describe('too many or too large', () => {
  test('headers are rejected', async () => {
    await using served = await serve();
    const many = Array.from({ length: 3_000 }, (_, index) => `X-${index}: y\r\n`).join('');
    const answer = await served.say('GET /things HTTP/1.1\r\nHost: localhost\r\n', many, '\r\n');
    expect(answer).toMatch(/^HTTP\/1.1 431 .*application\/problem\+json/s);
  });

  test('bodies are rejected before they are read', async () => {
    await using served = await serve();
    const answer = await served.say(
      'POST /things HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n',
      'Content-Type: application/json\r\nContent-Length: 99999999\r\n\r\n{',
    );
    expect(answer).toMatch(/^HTTP\/1.1 413 .*request-invalid/s);
  });

  test('concurrent requests get 503 until others end', async () => {
    await using served = await serve({ HTTP_MAX_REQUESTS: '3' });
    const waiting = Array.from({ length: 3 }, () => fetch(`${served.url}/slow`));
    const rejected = await statusOf(`${served.url}/things`, 503);
    expect(rejected.headers.get('retry-after')).toBe('1');
    served.release();
    for (const response of await Promise.all(waiting)) expect(response.status).toBe(200);
    await statusOf(`${served.url}/things`, 200);
  });

  test('requests of disconnected clients do not count', async () => {
    await using served = await serve({ HTTP_MAX_REQUESTS: '1' });
    const gone = new AbortController();
    const waiting = fetch(`${served.url}/slow`, { signal: gone.signal }).catch(() => 'gone');
    await statusOf(`${served.url}/things`, 503);
    gone.abort();
    expect(await waiting).toBe('gone');
    await statusOf(`${served.url}/things`, 200);
  });

  test('connections are closed', async () => {
    await using served = await serve({ HTTP_MAX_CONNECTIONS: '2' });
    const port = Number(new URL(served.url).port);
    const open: Socket[] = [];
    for (let count = 0; count < 2; count++) open.push(await connected(port));
    const third = await connected(port);
    await new Promise<void>((resolve) => third.once('close', () => resolve()));
    for (const socket of open) socket.destroy();
    await statusOf(`${served.url}/things`, 200);
  });
});

function connected(port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = createConnection(port, '127.0.0.1', () => resolve(socket));
    socket.once('error', reject).resume();
  });
}

/** Repeats a request until its response has this status. */
function statusOf(url: string, status: number): Promise<Response> {
  return vi.waitFor(
    async () => {
      const response = await fetch(url);
      await response.body?.cancel();
      expect(response.status).toBe(status);
      return response;
    },
    { timeout: 10_000, interval: 10 },
  );
}

describe('requests that Node rejects by itself', () => {
  test.each([
    ['without a Host', 'GET /things HTTP/1.1\r\n\r\n', 400],
    ['with two Hosts', 'GET /things HTTP/1.1\r\nHost: localhost\r\nHost: elsewhere\r\n\r\n', 400],
    ['with an unknown expectation', 'GET /things HTTP/1.1\r\nHost: localhost\r\nExpect: tea\r\n\r\n', 417],
  ])('%s get a problem document', async (_name, request, status) => {
    await using served = await serve();
    const answer = await served.say(request.replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n'));
    expect(answer).toMatch(
      new RegExp(`^HTTP/1\\.1 ${status} .*application/problem\\+json.*request-invalid`, 's'),
    );
  });

  test('of HTTP/1.0 need no Host header', async () => {
    await using served = await serve({ HTTP_OPEN: 'true' });
    expect(await served.say('GET /things HTTP/1.0\r\n\r\n')).toMatch(/^HTTP\/1\.1 200 /);
  });
});
