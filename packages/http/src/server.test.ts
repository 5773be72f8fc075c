import { createHash } from 'node:crypto';
import { request as requestPlain } from 'node:http';
import { request } from 'node:https';
import { createAuthority } from '@headwater/local-kafka';
import { describe, expect, test } from 'vitest';
import { pagePolicy } from './security-headers.ts';
import { serve } from './testing/test-server.ts';

describe('an address that other machines can reach', () => {
  test('is rejected without tokens, with the remedy', async () => {
    await expect(serve({ HTTP_HOST: '0.0.0.0' })).rejects.toMatchObject({
      code: 'config-invalid',
      message: expect.stringMatching(/AUTH_TOKENS_FILE.*HTTP_OPEN/),
    });
    await expect(serve({ HTTP_HOST: '::' })).rejects.toMatchObject({ code: 'config-invalid' });
  });

  test('is accepted with tokens or HTTP_OPEN', async () => {
    await using closed = await serve({ HTTP_HOST: '0.0.0.0', AUTH_TOKENS: `a read ${'x'.repeat(24)}` });
    expect((await fetch(`${closed.url}/things`)).status).toBe(401);
    await using open = await serve({ HTTP_HOST: '0.0.0.0', HTTP_OPEN: 'true' });
    expect((await fetch(`${open.url}/things`)).status).toBe(200);
  });

  test('whose port is in use is rejected with the port number', async () => {
    await using served = await serve();
    const { port } = new URL(served.url);
    await expect(serve({ HTTP_PORT: port })).rejects.toMatchObject({
      code: 'config-invalid',
      message: expect.stringMatching(new RegExp(`^HTTP_PORT: port ${port} of 127.0.0.1 is in use`)),
    });
  });
});

describe('a URL', () => {
  test.each([
    ['/things?a=%ff', 400],
    ['/things?a=%', 400],
    ['/things?a=%ED%A0%80', 400],
    ['/things?%zz', 400],
    ['/things?a=%C3%BC+b', 200],
  ])('must be UTF-8: %s gets %i', async (path, status) => {
    await using served = await serve();
    const response = await fetch(`${served.url}${path}`);
    expect(response.status).toBe(status);
    if (status === 400) expect(await response.json()).toMatchObject({ code: 'request-invalid' });
  });
});

test.each(['*', 'xthings', '+things', '%2fthings'])(
  'rejects a request target without a leading slash: %s',
  async (path) => {
    await using served = await serve();
    const { hostname, port } = new URL(served.url);
    const status = await new Promise((resolve, reject) => {
      const sent = requestPlain({ hostname, port, path }, (answer) => resolve(answer.resume().statusCode));
      sent.on('error', reject).end();
    });
    expect(status).toBe(400);
  },
);

test('a validation error lists the allowed values', async () => {
  const querystring = { type: 'object', properties: { over: { enum: ['past', 'future'] } } };
  await using served = await serve({}, (app) => {
    app.get('/asked', { schema: { querystring } }, async () => ({}));
  });
  const response = await fetch(`${served.url}/asked?over=now`);
  expect(response.status).toBe(400);
  expect(await response.json()).toMatchObject({
    code: 'request-invalid',
    detail: 'querystring/over must be equal to one of the allowed values: past, future',
  });
});

describe('headers', () => {
  test('of data restrict browsers', async () => {
    await using served = await serve();
    for (const path of ['/things', '/nowhere']) {
      const { headers } = await fetch(`${served.url}${path}`);
      expect(Object.fromEntries(headers)).toMatchObject({
        'content-security-policy': "default-src 'none'; frame-ancestors 'none'; sandbox",
        'x-content-type-options': 'nosniff',
        'x-frame-options': 'DENY',
        'referrer-policy': 'no-referrer',
        'cross-origin-resource-policy': 'same-origin',
        'cache-control': 'no-store',
      });
      expect(headers.get('strict-transport-security')).toBeNull();
    }
  });

  test('of a page allow only files of its own origin', async () => {
    await using served = await serve();
    const { headers } = await fetch(`${served.url}/page`);
    const policy = headers.get('content-security-policy') ?? '';
    expect(policy).toContain("default-src 'none'; script-src 'self'; style-src 'self'");
    expect(policy).not.toMatch(/unsafe|\*/);
  });

  test('of a page can allow its inline scripts by hash', () => {
    const digest = createHash('sha256').update('alert(1)').digest('base64');
    expect(pagePolicy({ scripts: ['alert(1)'] })).toContain(`script-src 'self' 'sha256-${digest}';`);
  });
});

describe('HTTPS', () => {
  const authority = createAuthority();
  const { certificate: HTTP_TLS_CERT, key: HTTP_TLS_KEY } = authority.issue('ingest');

  test('is served with a certificate', async () => {
    await using served = await serve({ HTTP_TLS_CERT, HTTP_TLS_KEY });
    expect(served.url).toMatch(/^https:/);
    const answer = await new Promise<{ status: number | undefined; hsts: string | undefined }>(
      (resolve, reject) => {
        request(`${served.url}/things`, { ca: authority.certificate }, (response) => {
          response.resume();
          const hsts = response.headers['strict-transport-security'];
          resolve({ status: response.statusCode, hsts });
        })
          .once('error', reject)
          .end();
      },
    );
    expect(answer).toEqual({ status: 200, hsts: 'max-age=63072000' });
    expect(await served.say('GET /things HTTP/1.1\r\nHost: localhost\r\n\r\n')).not.toContain(' 200 ');
  });

  test('requires the key of the certificate', async () => {
    await expect(serve({ HTTP_TLS_CERT })).rejects.toMatchObject({ code: 'config-invalid' });
    const { key } = authority.issue('another');
    for (const wrong of [key, 'no key at all']) {
      await expect(serve({ HTTP_TLS_CERT, HTTP_TLS_KEY: wrong })).rejects.toMatchObject({
        code: 'config-invalid',
        message: expect.stringContaining('HTTP_TLS_'),
      });
    }
  });
});
