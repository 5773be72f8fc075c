import { accessOf } from '@headwater/http';
import { expect, it } from 'vitest';
import { startIngestFixture } from '../testing/ingest-fixture.ts';
import { makePicture } from '../testing/pictures.ts';
import { ingestAccess } from './access.ts';

const tokens = { read: 'r'.repeat(32), write: 'w'.repeat(32), admin: 'a'.repeat(32) };
const AUTH_TOKENS = Object.entries(tokens)
  .map(([role, token]) => `${role}er ${role} ${token}`)
  .join(';');

it('requires the role of its table on every route, and documents it in OpenAPI', async () => {
  await using fixture = await startIngestFixture({ environment: { AUTH_TOKENS } });
  const headers = { authorization: `Bearer ${tokens.read}` };
  const response = await fetch(`${fixture.url}/openapi.json`, { headers });
  const document = (await response.json()) as {
    paths: Record<string, Record<string, { security: object[] }>>;
  };
  const described = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, { security }]) => {
      const route = `${method.toUpperCase()} ${path.replace(/\{(\w+)\}/g, ':$1')}`;
      expect([route, Object.hasOwn(ingestAccess, route)]).toEqual([route, true]);
      expect([route, security]).toEqual([route, [{ token: [ingestAccess[route]] }]]);
      return route;
    }),
  );
  const hidden = ['GET /', 'GET /openapi.json'];
  expect([...described, ...hidden].sort()).toEqual(Object.keys(ingestAccess).sort());
  for (const route of Object.keys(ingestAccess)) {
    const [method = '', path = ''] = route.split(' ');
    expect([route, (await fetch(fixture.url + path, { method })).status]).toEqual([route, 401]);
    expect(accessOf(ingestAccess, method, path)).not.toBe('open');
  }
});

it('takes an image from a writer, and its erasure from an admin alone', async () => {
  await using fixture = await startIngestFixture({ environment: { AUTH_TOKENS } });
  const body = new Uint8Array(await makePicture('png'));
  const call = async (token: string, method: string, path: string) => {
    const init = { method, headers: { authorization: `Bearer ${token}` } };
    return (await fetch(fixture.url + path, method === 'POST' ? { ...init, body } : init)).status;
  };
  expect(await call(tokens.read, 'POST', '/v1/images?id=a')).toBe(403);
  expect(await call(tokens.write, 'POST', '/v1/images?id=a')).toBe(202);
  expect(await call(tokens.write, 'DELETE', '/v1/images/a')).toBe(403);
  expect(await call(tokens.admin, 'DELETE', '/v1/images/a')).toBe(202);
});

it('refuses an address that other machines reach before anything is opened', async () => {
  await expect(startIngestFixture({ environment: { HTTP_HOST: '0.0.0.0' } })).rejects.toMatchObject({
    code: 'config-invalid',
    message: expect.stringContaining('AUTH_TOKENS_FILE'),
  });
});
