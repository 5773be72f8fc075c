import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import type { AvroSchema } from '../api.ts';
import { recordSchema } from '../schema-files.ts';
import { fingerprintId } from './fingerprint-ids.ts';
import { createRegistryIds, type RegistryOptions } from './registry-ids.ts';

type Answer = { status: number; body?: unknown } | 'silence';
type Handler = (request: { method: string; path: string; body: Record<string, unknown> }) => Answer;

const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

/** An HTTP server with scripted responses; records `METHOD path authorization` of each request. */
async function serve(handler: Handler): Promise<{ url: string; seen: string[] }> {
  const seen: string[] = [];
  const server = createServer((request, response) => answer(handler, seen, request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closers.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, seen };
}

async function answer(handler: Handler, seen: string[], request: IncomingMessage, response: ServerResponse) {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const body = chunks.length > 0 ? JSON.parse(Buffer.concat(chunks).toString()) : {};
  const { method = '', url: path = '' } = request;
  seen.push([method, path, request.headers.authorization].filter(Boolean).join(' '));
  const outcome = handler({ method, path, body });
  if (outcome === 'silence') return;
  response.writeHead(outcome.status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(outcome.body ?? {}));
}

/** A minimal registry: one subject, no compatibility checks. */
function memoryRegistry(): Handler {
  const schemas: string[] = [];
  let level: unknown;
  return ({ method, path, body }) => {
    const text = String(body.schema);
    if (path.startsWith('/config/')) {
      if (method === 'PUT') level = body.compatibility;
      return level === undefined ? { status: 404 } : { status: 200, body: { compatibilityLevel: level } };
    }
    if (path.endsWith('/versions')) return { status: 200, body: { id: schemas.push(text) } };
    if (method === 'POST') {
      const id = schemas.indexOf(text) + 1;
      return id === 0 ? { status: 404, body: { error_code: 40401 } } : { status: 200, body: { id } };
    }
    const schema = schemas[Number(path.split('/').at(-1)) - 1];
    return schema === undefined
      ? { status: 404, body: { error_code: 40403 } }
      : { status: 200, body: { schema } };
  };
}

const label = recordSchema('LabelAssigned');
const quick: Partial<RegistryOptions> = { attempts: 2, timeoutMs: 200 };

describe('ids from a registry', () => {
  it('registers a schema once, BACKWARD_TRANSITIVE, and looks it up once', async () => {
    const { url, seen } = await serve(memoryRegistry());
    const ids = createRegistryIds({ url: `${url}/` });
    expect(await ids.register('my/labels-value', label)).toBe(1);
    expect(seen).toEqual([
      'POST /subjects/my%2Flabels-value',
      'GET /config/my%2Flabels-value',
      'PUT /config/my%2Flabels-value',
      'POST /subjects/my%2Flabels-value/versions',
      'GET /config/my%2Flabels-value',
    ]);
    seen.length = 0;
    expect(await createRegistryIds({ url }).register('my/labels-value', label)).toBe(1);
    expect(seen).toEqual(['POST /subjects/my%2Flabels-value', 'GET /config/my%2Flabels-value']);
    seen.length = 0;
    expect(await Promise.all([ids.lookup(1), ids.lookup(1)])).toEqual([label, label]);
    expect(seen).toEqual(['GET /schemas/ids/1']);
  });

  it('resolves ids that were derived without a registry', async () => {
    const { url, seen } = await serve(() => ({ status: 500 }));
    expect(await createRegistryIds({ url }).lookup(fingerprintId(label))).toEqual(label);
    expect(seen).toEqual([]);
  });

  it('requests an unknown id again', async () => {
    const registry = memoryRegistry();
    const { url } = await serve(registry);
    const ids = createRegistryIds({ url });
    await expect(ids.lookup(1)).rejects.toMatchObject({ code: 'schema-unknown', verdict: 'dead-letter' });
    await ids.register('labels-value', label);
    expect(await ids.lookup(1)).toEqual(label);
  });

  it.each([
    ['text', 'no json'],
    ['a primitive', '"string"'],
    ['nothing', 'null'],
    ['an enum', '{"type":"enum","name":"E","symbols":["a"]}'],
  ])('dead-letters with schema-incompatible where an id is %s', async (_, schema) => {
    const { url } = await serve(() => ({ status: 200, body: { schema } }));
    const lookup = createRegistryIds({ url }).lookup(5);
    await expect(lookup).rejects.toMatchObject({ code: 'schema-incompatible', verdict: 'dead-letter' });
  });

  it('uses a read-only subject with an existing schema', async () => {
    const { url } = await serve(({ path }) =>
      path.startsWith('/config/') ? { status: 403 } : { status: 200, body: { id: 8 } },
    );
    expect(await createRegistryIds({ url }).register('labels-value', label)).toBe(8);
  });

  it('keeps a stricter level', async () => {
    const { url, seen } = await serve(({ path }) =>
      path.startsWith('/config/')
        ? { status: 200, body: { compatibilityLevel: 'FULL_TRANSITIVE' } }
        : { status: 200, body: { id: 8 } },
    );
    await createRegistryIds({ url }).register('labels-value', label);
    expect(seen.filter((line) => line.startsWith('PUT'))).toEqual([]);
  });
});

describe('a failing registry', () => {
  it.each([
    [409, 'schema-incompatible', 'stop'],
    [422, 'schema-incompatible', 'stop'],
    [401, 'config-invalid', 'stop'],
    [403, 'config-invalid', 'stop'],
    [400, 'config-invalid', 'stop'],
    [429, 'schema-registry-unavailable', 'retry'],
    [503, 'schema-registry-unavailable', 'retry'],
  ])('%i is %s', async (status, code, verdict) => {
    const { url } = await serve(() => ({ status, body: { message: 'because' } }));
    const ids = createRegistryIds({ url, ...quick });
    await expect(ids.register('labels-value', label)).rejects.toMatchObject({ code, verdict });
  });

  it('is retried', async () => {
    let calls = 0;
    const schema = JSON.stringify(label);
    const { url } = await serve(() => (++calls < 3 ? { status: 502 } : { status: 200, body: { schema } }));
    expect(await createRegistryIds({ url }).lookup(5)).toEqual(label);
  });

  it('is unavailable when it does not respond in time', async () => {
    const { url, seen } = await serve(() => 'silence');
    const lookup = createRegistryIds({ url, ...quick }).lookup(5);
    await expect(lookup).rejects.toMatchObject({ code: 'schema-registry-unavailable', verdict: 'retry' });
    expect(seen).toHaveLength(2);
  });

  it('is unavailable when nothing listens, and can recover', async () => {
    const { url } = await serve(() => 'silence');
    for (const close of closers.splice(0)) close();
    const lookup = createRegistryIds({ url, ...quick }).lookup(5);
    await expect(lookup).rejects.toMatchObject({ code: 'schema-registry-unavailable' });
  });

  it('is a configuration error where there is no registry', async () => {
    const { url } = await serve(() => ({ status: 404 }));
    const register = createRegistryIds({ url }).register('labels-value', label as AvroSchema);
    await expect(register).rejects.toMatchObject({ code: 'config-invalid' });
  });

  it.each(['', 'registry:8081', 'file:///etc/passwd', 'http://a:b%@host'])(
    'is a configuration error at "%s"',
    (url) => {
      expect(() => createRegistryIds({ url })).toThrow(expect.objectContaining({ code: 'config-invalid' }));
    },
  );
});

describe('credentials', () => {
  const basic = `Basic ${Buffer.from('us:er@:p%ss').toString('base64')}`;

  it('are sent in a header, from the options or from the URL', async () => {
    const { url, seen } = await serve(() => ({ status: 200, body: { schema: JSON.stringify(label) } }));
    await createRegistryIds({ url, username: 'us:er@', password: 'p%ss' }).lookup(1);
    await createRegistryIds({ url: url.replace('//', '//us%3Aer%40:p%25ss@') }).lookup(1);
    expect(seen).toEqual([`GET /schemas/ids/1 ${basic}`, `GET /schemas/ids/1 ${basic}`]);
  });

  it('are in no message', async () => {
    const { url } = await serve(() => ({ status: 401 }));
    const ids = createRegistryIds({ url: url.replace('//', '//someone:hidden@'), ...quick });
    const error = await ids.lookup(1).catch((thrown: unknown) => thrown);
    expect(String(error)).toContain('rejects the credentials');
    expect(JSON.stringify(error) + String(error) + String((error as Error).cause)).not.toMatch(
      /someone|hidden/,
    );
  });
});

it('stops reading an endless response', async () => {
  let written = 0;
  const server = createServer((_request, response) => {
    const more = () => {
      written += 1_000_000;
      if (!response.destroyed) response.write(Buffer.alloc(1_000_000, 32), () => setImmediate(more));
    };
    more();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closers.push(() => {
    server.closeAllConnections();
    server.close();
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const ids = createRegistryIds({ url, attempts: 1, timeoutMs: 20_000 });
  await expect(ids.lookup(7)).rejects.toMatchObject({ code: 'schema-registry-unavailable' });
  expect(written).toBeLessThan(64_000_000);
});
