import { createConnection, type Socket } from 'node:net';
import { describe, expect, test } from 'vitest';
import { serve } from './testing/test-server.ts';

/** What came back, and how many milliseconds it took until the connection was closed. */
async function timed(conversation: Promise<string>): Promise<{ answer: string; took: number }> {
  const begun = performance.now();
  const answer = await conversation;
  return { answer, took: performance.now() - begun };
}

describe('slow clients', () => {
  test('that drip headers, or say nothing at all, are let go', async () => {
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
    // They cost nobody else an answer.
    expect((await fetch(`${served.url}/things`)).status).toBe(200);
    await Promise.all(lost);
    for (const drip of drips) clearInterval(drip);
    expect((await fetch(`${served.url}/things`)).status).toBe(200);
  });

  test('are told why, in a problem document', async () => {
    await using served = await serve({ HTTP_HEADERS_TIMEOUT: '200ms' });
    const { answer, took } = await timed(served.say('GET /things HTTP/1.1\r\nHost: loc'));
    expect(answer).toMatch(/^HTTP\/1.1 408 .*application\/problem\+json.*request-invalid/s);
    expect(took).toBeGreaterThan(150);
  });
});

describe('too much', () => {
  test('of headers is refused', async () => {
    await using served = await serve();
    const many = Array.from({ length: 3_000 }, (_, index) => `X-${index}: y\r\n`).join('');
    const answer = await served.say('GET /things HTTP/1.1\r\nHost: localhost\r\n', many, '\r\n');
    expect(answer).toMatch(/^HTTP\/1.1 431 .*application\/problem\+json/s);
  });

  test('of a body is refused before it is read', async () => {
    await using served = await serve();
    const answer = await served.say(
      'POST /things HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n',
      'Content-Type: application/json\r\nContent-Length: 99999999\r\n\r\n{',
    );
    expect(answer).toMatch(/^HTTP\/1.1 413 .*request-invalid/s);
  });

  test('requests at once get 503, and the next ones an answer', async () => {
    await using served = await serve({ HTTP_MAX_REQUESTS: '3' });
    const waiting = Array.from({ length: 3 }, () => fetch(`${served.url}/slow`));
    const refused = await eventually(async () => {
      const response = await fetch(`${served.url}/things`);
      await response.body?.cancel();
      return response.status === 503 ? response : undefined;
    });
    expect(refused.headers.get('retry-after')).toBe('1');
    served.release();
    for (const response of await Promise.all(waiting)) expect(response.status).toBe(200);
    await eventually(async () => (await fetch(`${served.url}/things`)).status === 200 || undefined);
  });

  test('a client that goes away keeps no place', async () => {
    await using served = await serve({ HTTP_MAX_REQUESTS: '1' });
    const gone = new AbortController();
    const waiting = fetch(`${served.url}/slow`, { signal: gone.signal }).catch(() => 'gone');
    await eventually(async () => (await fetch(`${served.url}/things`)).status === 503 || undefined);
    gone.abort();
    expect(await waiting).toBe('gone');
    await eventually(async () => (await fetch(`${served.url}/things`)).status === 200 || undefined);
  });

  test('connections at once are closed', async () => {
    await using served = await serve({ HTTP_MAX_CONNECTIONS: '2' });
    const port = Number(new URL(served.url).port);
    const open: Socket[] = [];
    for (let count = 0; count < 2; count++) open.push(await connected(port));
    const third = await connected(port);
    await new Promise<void>((resolve) => third.once('close', () => resolve()));
    for (const socket of open) socket.destroy();
    await eventually(async () =>
      fetch(`${served.url}/things`).then(
        ({ status }) => status === 200 || undefined,
        () => undefined,
      ),
    );
  });
});

function connected(port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = createConnection(port, '127.0.0.1', () => resolve(socket));
    socket.once('error', reject).resume();
  });
}

async function eventually<T>(probe: () => Promise<T | undefined>): Promise<T> {
  for (let attempt = 0; attempt < 1_000; attempt += 1) {
    const value = await probe();
    if (value !== undefined) return value;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error('what was waited for did not happen within 10 s');
}

describe('requests that the HTTP of Node refuses by itself', () => {
  test.each([
    ['without a Host', 'GET /things HTTP/1.1\r\n\r\n', 400],
    ['with two Hosts', 'GET /things HTTP/1.1\r\nHost: localhost\r\nHost: elsewhere\r\n\r\n', 400],
    ['that expect what nobody knows', 'GET /things HTTP/1.1\r\nHost: localhost\r\nExpect: tea\r\n\r\n', 417],
  ])('%s get a problem document all the same', async (_name, request, status) => {
    await using served = await serve();
    const answer = await served.say(request.replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n'));
    expect(answer).toMatch(
      new RegExp(`^HTTP/1\\.1 ${status} .*application/problem\\+json.*request-invalid`, 's'),
    );
  });

  test('of HTTP/1.0 need no Host', async () => {
    await using served = await serve({ HTTP_OPEN: 'true' });
    expect(await served.say('GET /things HTTP/1.0\r\n\r\n')).toMatch(/^HTTP\/1\.1 200 /);
  });
});
