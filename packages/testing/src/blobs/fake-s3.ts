/**
 * A fake S3 server in memory that can hang, return wrong bytes or stop during a response. It implements the requests
 * of the blob store; the contract test also runs against a real server (`npm run test:s3`).
 */
import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

interface StoredObject {
  bytes: Buffer;
  modified: number;
}

/** Handles a request instead of the server; returns false to let the server respond. */
export type Fault = (request: IncomingMessage, response: ServerResponse) => boolean;

export interface FakeS3 extends AsyncDisposable {
  readonly endpoint: string;
  /** Objects by key. */
  readonly objects: Map<string, StoredObject>;
  /** `METHOD /bucket/key` of each request. */
  readonly requests: string[];
  fault: Fault;
}

export const noFault: Fault = () => false;

/** Starts a server with one bucket named `bucket`. */
export async function startFakeS3(): Promise<FakeS3> {
  const fake = { objects: new Map<string, StoredObject>(), requests: [] as string[], fault: noFault };
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://s3');
    fake.requests.push(`${request.method} ${url.pathname}`);
    if (!fake.fault(request, response)) void respond(fake.objects, request, url, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return Object.assign(fake, {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  });
}

async function respond(
  objects: Map<string, StoredObject>,
  request: IncomingMessage,
  url: URL,
  response: ServerResponse,
): Promise<void> {
  const [bucket, ...rest] = decodeURIComponent(url.pathname).slice(1).split('/');
  const key = rest.join('/');
  const isHead = request.method === 'HEAD';
  if (bucket !== 'bucket') return fail(response, 404, 'NoSuchBucket', isHead);
  if (key === '') return request.method === 'GET' ? list(objects, url, response) : void response.end();
  const object = objects.get(key);
  if (request.method === 'PUT') return put(objects, key, request, response);
  if (request.method === 'DELETE') {
    objects.delete(key);
    return void response.writeHead(204).end();
  }
  if (object === undefined) return fail(response, 404, 'NoSuchKey', isHead);
  response.writeHead(200, {
    'content-length': object.bytes.length,
    'last-modified': new Date(object.modified).toUTCString(),
  });
  response.end(isHead ? undefined : object.bytes);
}

async function put(
  objects: Map<string, StoredObject>,
  key: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const bytes = Buffer.concat(chunks);
  const stated = request.headers['x-amz-checksum-sha256'];
  if (stated !== undefined && stated !== createHash('sha256').update(bytes).digest('base64')) {
    return fail(response, 400, 'BadDigest');
  }
  objects.set(key, { bytes, modified: Date.now() });
  response.end();
}

/** Two keys per page, to test paging. */
function list(objects: Map<string, StoredObject>, url: URL, response: ServerResponse): void {
  const after = url.searchParams.get('continuation-token') ?? '';
  const prefix = url.searchParams.get('prefix') ?? '';
  const left = [...objects.keys()].sort().filter((key) => key.startsWith(prefix) && key > after);
  const page = left.slice(0, 2);
  const contents = page.map((key) => {
    const { bytes, modified } = objects.get(key) as StoredObject;
    return `<Contents><Key>${key}</Key><LastModified>${new Date(modified).toISOString()}</LastModified><Size>${bytes.length}</Size></Contents>`;
  });
  const next =
    left.length > page.length ? `<NextContinuationToken>${page.at(-1)}</NextContinuationToken>` : '';
  response.setHeader('content-type', 'application/xml');
  response.end(
    `<ListBucketResult><IsTruncated>${next !== ''}</IsTruncated>${contents.join('')}${next}</ListBucketResult>`,
  );
}

/** An S3 error response; without a body for HEAD. */
export function fail(response: ServerResponse, status: number, code: string, isHead = false): void {
  response.writeHead(status, { 'content-type': 'application/xml' });
  response.end(
    isHead ? undefined : `<Error><Code>${code}</Code><Message>secret of the store</Message></Error>`,
  );
}
