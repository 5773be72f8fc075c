import { createMemoryLog } from '@headwater/log';
import type { Service } from '@headwater/service-kit';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ClassifyFixture } from '../testing/classify-fixture.ts';
import { classifyAccess } from './access.ts';

const tokens = { read: 'r'.repeat(32), write: 'w'.repeat(32), admin: 'a'.repeat(32) };
const AUTH_TOKENS = Object.entries(tokens)
  .map(([role, token]) => `${role}er ${role} ${token}`)
  .join(';');

let fixture: ClassifyFixture;
let service: Service;
beforeAll(async () => {
  fixture = await ClassifyFixture.open({ log: createMemoryLog() });
  service = await fixture.start({ TASKS: 'digit', AUTH_TOKENS });
});
afterAll(() => fixture.close());

const call = async (method: string, path: string, token?: string) => {
  const headers: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` };
  const response = await fetch(`${service.url}${path}`, { method, headers });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
};

it('requires the role of its table on every route, and documents it in OpenAPI', async () => {
  const { body } = await call('GET', '/openapi.json', tokens.read);
  const paths = body.paths as Record<string, Record<string, { security: object[] }>>;
  for (const [path, methods] of Object.entries(paths)) {
    for (const [method, { security }] of Object.entries(methods)) {
      const route = `${method.toUpperCase()} ${path.replace(/\{(\w+)\}/g, ':$1')}`;
      expect([route, Object.hasOwn(classifyAccess, route)]).toEqual([route, true]);
      expect([route, security]).toEqual([route, [{ token: [classifyAccess[route]] }]]);
    }
  }
  for (const route of Object.keys(classifyAccess)) {
    const [method = '', path = ''] = route.split(' ');
    expect([route, (await call(method, path)).status]).toEqual([route, 401]);
  }
});

it('lets an admin alone decide what serves', async () => {
  const pin = '/v1/tasks/digit/heads/1/activate';
  expect((await call('POST', pin, tokens.write)).status).toBe(403);
  expect((await call('POST', pin, tokens.admin)).status).toBe(404);
  expect((await call('GET', '/v1/tasks', tokens.read)).status).toBe(200);
});
