import { describe, expect, test } from 'vitest';
import { accessOf } from './access.ts';
import { access, serve } from './testing/test-server.ts';

const tokens = {
  reader: 'reader-reader-reader-reader',
  writer: 'writer-writer-writer-writer',
  admin: 'admin-admin-admin-admin-admin',
};
const AUTH_TOKENS = `r read ${tokens.reader}; w write ${tokens.writer}; a admin ${tokens.admin}`;
const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
const basic = (token: string) => ({
  authorization: `Basic ${Buffer.from(`anybody:${token}`).toString('base64')}`,
});

describe('with tokens', () => {
  test('every role can call the routes of its table and no others', async () => {
    await using served = await serve({ AUTH_TOKENS });
    const statuses: Record<string, Record<string, number>> = {};
    for (const [holder, token] of Object.entries({ nobody: undefined, ...tokens })) {
      const headers: Record<string, string> = token === undefined ? {} : bearer(token);
      const own: Record<string, number> = {};
      for (const key of [...Object.keys(access), 'HEAD /things', 'GET /forgotten', 'GET /nowhere']) {
        if (key === 'GET /slow') continue;
        const [method = '', path] = key.split(' ');
        own[key] = (await fetch(`${served.url}${path}`, { method, headers })).status;
      }
      statuses[holder] = own;
    }
    const columns = ['GET /open', 'GET /things', 'POST /things', 'DELETE /things', 'HEAD /things'];
    const rest = ['GET /forgotten', 'GET /nowhere'];
    const row = (holder: string) => [...columns, ...rest].map((key) => statuses[holder]?.[key]);
    expect(row('nobody')).toEqual([200, 401, 401, 401, 401, 401, 401]);
    expect(row('reader')).toEqual([200, 200, 403, 403, 200, 403, 404]);
    expect(row('writer')).toEqual([200, 200, 200, 403, 200, 403, 404]);
    expect(row('admin')).toEqual([200, 200, 200, 200, 200, 200, 404]);
  });

  test('a rejection names the required role and scheme', async () => {
    await using served = await serve({ AUTH_TOKENS });
    const ask = async (method: string, headers: Record<string, string> = {}) => {
      const response = await fetch(`${served.url}/things`, { method, headers });
      const { code, status, detail } = (await response.json()) as Record<string, unknown>;
      return { code, status, detail, challenge: response.headers.get('www-authenticate') };
    };
    expect(await ask('GET')).toMatchObject({
      status: 401,
      code: 'unauthenticated',
      challenge: 'Bearer realm="headwater", Basic realm="headwater", charset="UTF-8"',
    });
    const wrong = await ask('GET', bearer(`${tokens.admin}x`));
    expect(wrong.challenge).toMatch(/^Bearer realm="headwater", error="invalid_token"/);
    expect(JSON.stringify(wrong)).not.toContain(tokens.admin);
    expect(await ask('DELETE', bearer(tokens.writer))).toEqual({
      status: 403,
      code: 'forbidden',
      detail: 'this request requires a token with the role admin',
      challenge: 'Bearer realm="headwater", error="insufficient_scope", scope="admin"',
    });
  });

  test('accepts the token as Basic password, for browsers and registry clients', async () => {
    await using served = await serve({ AUTH_TOKENS });
    const status = async (headers: Record<string, string>) =>
      (await fetch(`${served.url}/things`, { headers })).status;
    expect(await status(basic(tokens.reader))).toBe(200);
    expect(await status(basic('wrong'))).toBe(401);
  });
});

test('access from this machine is open without tokens', async () => {
  await using served = await serve();
  const statuses = await Promise.all(
    ['GET', 'POST', 'DELETE'].map(async (method) => (await fetch(`${served.url}/things`, { method })).status),
  );
  expect(statuses).toEqual([200, 200, 200]);
});

test('a route that is not in the table requires an admin', () => {
  expect(accessOf(access, 'GET', '/things')).toBe('read');
  expect(accessOf(access, 'HEAD', '/things')).toBe('read');
  expect(accessOf(access, 'PATCH', '/things')).toBe('admin');
  expect(accessOf({}, 'constructor', '')).toBe('admin');
});
