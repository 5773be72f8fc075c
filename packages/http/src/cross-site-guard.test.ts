import { request } from 'node:http';
import { bareHost, hostNameOf, isLoopback } from '@headwater/service-kit';
import { describe, expect, test } from 'vitest';
import { serve } from './testing/test-server.ts';

/** `fetch` does not allow setting some of these headers. */
function send(url: string, method: string, headers: Record<string, string>): Promise<string> {
  return new Promise((resolve, reject) => {
    request(url, { method, headers }, (response) => {
      let body = '';
      response.on('data', (chunk) => {
        body += chunk;
      });
      response.once('end', () => {
        const { code } = JSON.parse(body) as { code?: string };
        resolve(`${response.statusCode}${code === undefined ? '' : ` ${code}`}`);
      });
    })
      .once('error', reject)
      .end();
  });
}

const token = 'admin-admin-admin-admin-admin';

describe('a page of another site', () => {
  test.each([
    [{ 'sec-fetch-site': 'cross-site', origin: 'https://evil.example' }, '403 forbidden'],
    [{ 'sec-fetch-site': 'same-site', origin: 'http://localhost:3000' }, '403 forbidden'],
    [{ origin: 'https://evil.example' }, '403 forbidden'],
    [{ origin: 'null' }, '403 forbidden'],
    [{ 'sec-fetch-site': 'same-origin', origin: 'https://behind.a.proxy' }, '200'],
    [{ 'sec-fetch-site': 'none' }, '200'],
    [{}, '200'],
  ] as const)('with headers %j gets %s', async (headers, answer) => {
    await using served = await serve();
    expect(await send(`${served.url}/things`, 'POST', headers)).toBe(answer);
    expect(await send(`${served.url}/things`, 'GET', headers)).toBe('200');
  });

  test('is distinguished by its origin, by address and by name', async () => {
    await using served = await serve({ HTTP_ALLOWED_HOSTS: 'images.example' });
    const { host } = new URL(served.url);
    for (const origin of [`http://${host}`, 'https://images.example']) {
      expect(await send(`${served.url}/things`, 'POST', { origin })).toBe('200');
    }
  });

  test('cannot use stored credentials of a browser', async () => {
    await using served = await serve({ AUTH_TOKENS: `a admin ${token}` });
    const authorization = `Basic ${Buffer.from(`me:${token}`).toString('base64')}`;
    const headers = { authorization, 'sec-fetch-site': 'cross-site' };
    expect(await send(`${served.url}/things`, 'DELETE', headers)).toBe('403 forbidden');
  });
});

describe('DNS rebinding', () => {
  test.each([
    ['evil.example', '421 request-misdirected'],
    ['evil.example:80', '421 request-misdirected'],
    ['localhost.evil.example', '421 request-misdirected'],
    ['Images.Example.:8080', '200'],
    ['localhost', '200'],
    ['127.0.0.1:1', '200'],
    ['[::1]:8080', '200'],
  ])('%s gets %s without a token', async (host, answer) => {
    await using served = await serve({ HTTP_ALLOWED_HOSTS: 'images.example' });
    expect(await send(`${served.url}/things`, 'GET', { host })).toBe(answer);
  });

  test('requires a token where tokens are set', async () => {
    await using served = await serve({ AUTH_TOKENS: `a admin ${token}` });
    const host = 'anything.example';
    expect(await send(`${served.url}/things`, 'GET', { host })).toBe('401 unauthenticated');
    const headers = { host, authorization: `Bearer ${token}` };
    expect(await send(`${served.url}/things`, 'GET', headers)).toBe('200');
  });
});

test.each([
  ['127.0.0.1', true],
  ['127.1.2.3', true],
  ['::1', true],
  ['[::1]', true],
  ['LOCALHOST', true],
  ['0.0.0.0', false],
  ['::', false],
  ['192.168.0.1', false],
  ['127.0.0.1.evil.example', false],
])('%s is for this machine alone: %s', (host, answer) => expect(isLoopback(host)).toBe(answer));

test('parses hosts of headers and of the configuration', () => {
  expect(['a:80', 'A.', '[::1]:8', ''].map(hostNameOf)).toEqual(['a', 'a', '::1', '']);
  expect(['::1', '[::]', 'B'].map(bareHost)).toEqual(['::1', '::', 'b']);
});
