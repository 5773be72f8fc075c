import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { createIngestClient } from './ingest-client.ts';

const servers: Server[] = [];
const { signal } = new AbortController();

async function serve(answer: (request: IncomingMessage, body: Buffer, response: ServerResponse) => void) {
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    answer(request, Buffer.concat(chunks), response);
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return createIngestClient({
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    attempts: 3,
  });
}

afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

describe('the ingest client', () => {
  it('sends the bytes unchanged and resolves to the id', async () => {
    const seen: unknown[] = [];
    const client = await serve((request, body, response) => {
      seen.push(request.method, request.url, body.toString('hex'));
      response.writeHead(202, { 'content-type': 'application/json' }).end('{"id":"abc"}');
    });
    await expect(client.sendImage(Buffer.from([1, 2, 255]), 'my digits', signal)).resolves.toEqual({
      accepted: true,
      id: 'abc',
    });
    expect(seen).toEqual(['POST', '/v1/images?source=my+digits', '0102ff']);
  });

  it('keeps the reason of a rejection', async () => {
    const client = await serve((_request, _body, response) => {
      response.writeHead(415, { 'content-type': 'application/problem+json' });
      response.end('{"code":"image-type-unsupported","title":"no image"}');
    });
    await expect(client.sendImage(Buffer.from('text'), 'folder', signal)).resolves.toEqual({
      accepted: false,
      reason: 'image-type-unsupported',
    });
  });

  it('waits and retries when the service is overloaded', async () => {
    let requests = 0;
    const client = await serve((_request, _body, response) => {
      requests++;
      if (requests < 3) response.writeHead(503, { 'retry-after': '0' }).end();
      else response.writeHead(202).end('{"id":"late"}');
    });
    await expect(client.sendImage(Buffer.from('x'), 's', signal)).resolves.toMatchObject({ id: 'late' });
    expect(requests).toBe(3);
  });

  it('gives up when it stays overloaded', async () => {
    const client = await serve((_request, _body, response) => {
      response.writeHead(503, { 'retry-after': '0' }).end();
    });
    await expect(client.sendImage(Buffer.from('x'), 's', signal)).rejects.toMatchObject({
      code: 'overloaded',
    });
  });

  it('sends a label along with the image', async () => {
    let url: string | undefined;
    const client = await serve((request, _body, response) => {
      url = request.url;
      response.writeHead(202).end('{"id":"a"}');
    });
    await client.sendImage(Buffer.from('x'), 's', signal, { task: 'kind', label: 'cat & dog' });
    expect(url).toBe('/v1/images?source=s&task=kind&label=cat+%26+dog');
  });

  it('names the service that does not respond', async () => {
    const client = createIngestClient({ url: 'http://127.0.0.1:1' });
    await expect(client.sendImage(Buffer.from('x'), 's', signal)).rejects.toMatchObject({
      code: 'service-unavailable',
      message: expect.stringContaining('no response from http://127.0.0.1:1'),
    });
  });

  it('puts labels under names that need escaping', async () => {
    const seen: unknown[] = [];
    const client = await serve((request, body, response) => {
      seen.push(request.method, request.url, JSON.parse(body.toString()));
      response.writeHead(202).end();
    });
    await client.putLabel({ imageId: 'a/b', task: 'ü', label: '7', annotator: 'me' }, signal);
    expect(seen).toEqual(['PUT', '/v1/images/a%2Fb/labels/%C3%BC', { label: '7', annotator: 'me' }]);
  });

  it('rejects when a label is refused', async () => {
    const client = await serve((_request, _body, response) => {
      response.writeHead(400).end('{"detail":"bad label"}');
    });
    await expect(
      client.putLabel({ imageId: 'a', task: 't', label: '', annotator: 'me' }, signal),
    ).rejects.toThrow('PUT /v1/images/a/labels/t returned 400: bad label');
  });
});
