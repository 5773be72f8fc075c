/** Requests as bytes: right ones of every kind, and what clients, proxies and attackers make of them. */
import type { Random } from '../../chaos/random.ts';
import { mutate } from '../mutation.ts';

type Header = readonly [name: string, value: string];

interface Request {
  readonly method: string;
  readonly path: string;
  readonly headers: readonly Header[];
  readonly body: Buffer;
}

const boundary = 'fuzz-boundary';

function formOf(picture: Buffer, random: Random): Buffer {
  const part = (disposition: string, content: Buffer | string) =>
    Buffer.concat([
      Buffer.from(`--${boundary}\r\ncontent-disposition: form-data; ${disposition}\r\n\r\n`),
      Buffer.from(content),
      Buffer.from('\r\n'),
    ]);
  const files = Array.from({ length: random.pick([1, 1, 2, 40]) }, (_, at) =>
    part(`name="file"; filename="picture-${at}.png"`, picture),
  );
  const fields = [part('name="source"', 'form'), part('name="label"', '7'), part('name="task"', 'digit')];
  return Buffer.concat([...files, ...fields, Buffer.from(`--${boundary}--\r\n`)]);
}

const json = 'application/json';

function valid(random: Random, picture: Buffer): Request {
  const image = `image-${random.integer(0, 50)}`;
  const to = (method: string, path: string, type?: string, body: Buffer | string = ''): Request => ({
    method,
    path,
    headers: [['host', '127.0.0.1'], ...(type === undefined ? [] : [['content-type', type] as const])],
    body: Buffer.from(body),
  });
  const label = { label: '7', annotator: 'ann', assignedAt: '2026-01-01T00:00:00Z' };
  const csv = 'imageId,task,label\n"image 1",digit,7\nimage-2,digit,\n'.repeat(random.pick([1, 3, 300]));
  const lines = `${JSON.stringify({ imageId: image, task: 'digit', label: null })}\n`.repeat(
    random.pick([1, 3, 300]),
  );
  return random.pick([
    () => to('POST', '/v1/images?source=camera', 'image/png', picture),
    () =>
      to(
        'POST',
        `/v1/images?id=${image}&task=digit&label=7&attribute.a=b`,
        'application/octet-stream',
        picture,
      ),
    () =>
      to('POST', '/v1/images?group=g', `multipart/form-data; boundary=${boundary}`, formOf(picture, random)),
    () => to('PUT', `/v1/images/${image}/labels/digit`, json, JSON.stringify(label)),
    () => to('DELETE', `/v1/images/${image}/labels/digit?annotator=ann`),
    () => to('GET', `/v1/images/${image}`),
    () => to('DELETE', `/v1/images/${image}`),
    () => to('POST', '/v1/labels', 'text/csv', csv),
    () => to('POST', '/v1/labels', 'application/x-ndjson', lines),
    () => to('GET', `/schemas/ids/${random.integer(-5, 2 ** 31)}`),
    () => to(random.pick(['GET', 'HEAD', 'OPTIONS']), '/openapi.json'),
  ])();
}

const paths = [
  '/',
  '//',
  '/%00',
  '/%',
  '/%c3',
  '/v1/images/%2e%2e',
  '/v1/images/..%2f..',
  `/${'a'.repeat(20_000)}`,
  '/v1/images?id=%ff',
  '/v1/images?id[]=a&id[]=b',
  '/v1/images?__proto__=a',
  '*',
  'http://elsewhere/v1/images',
  '/v1/images?timeout=1e9',
  `/v1/images?${'a=b&'.repeat(2_000)}`,
  '/v1/images?attribute.=x',
  '/v1/images/constructor',
  '/schemas/ids/1e3',
  '/schemas/ids/99999999999999999999',
];
const headers: readonly Header[] = [
  ['content-length', '-1'],
  ['content-length', '1e3'],
  ['content-length', '99999999999999'],
  ['content-length', '0'],
  ['content-length', '5, 5'],
  ['transfer-encoding', 'chunked'],
  ['transfer-encoding', 'gzip, chunked'],
  ['transfer-encoding', 'chunked, identity'],
  ['content-encoding', 'gzip'],
  ['content-encoding', 'br'],
  ['expect', '100-continue'],
  ['expect', 'nothing'],
  ['connection', 'upgrade'],
  ['upgrade', 'websocket'],
  ['upgrade', 'h2c'],
  ['content-type', ''],
  ['content-type', 'multipart/form-data'],
  ['content-type', `multipart/form-data; boundary=${'b'.repeat(500)}`],
  ['content-type', 'application/json; charset=utf-7'],
  ['content-type', 'text/csv; header=absent'],
  ['host', ''],
  ['host', 'elsewhere.example'],
  ['host', 'a b'],
  ['x', 'y'.repeat(20_000)],
  ['accept', '*/*'],
  ['origin', 'http://elsewhere.example'],
  ['range', 'bytes=0-'],
  ['cookie', 'a=b; '.repeat(500)],
  ['x-forwarded-for', '1.2.3.4'],
  ['authorization', 'Bearer x'],
  ['te', 'trailers'],
  ['x\u0001', 'control'],
];
const bodies = [
  '',
  '{',
  '[]',
  'null',
  '{"__proto__":{"label":"x"}}',
  '{"label":{}}',
  '{"label":"7","assignedAt":1e400}',
  '"',
  '['.repeat(20_000),
  `{"label":"${'7'.repeat(5_000)}"}`,
  '\ufeff{"label":"7"}',
  'imageId,task,label\n"',
  'imageId;task\n',
  '\n\n\n',
  'imageId,imageId,task,label\na,b,c,d\n',
  `imageId,task,label\n${'"'.repeat(999)}\n`,
  `--${boundary}\r\n\r\n`,
  `--${boundary}--`,
  `--${boundary}\r\ncontent-disposition: form-data; name="file"; filename="${'x'.repeat(9_000)}"\r\n\r\n`,
];

type Twist = (request: Request, random: Random) => Partial<Request>;

const withHeader: Twist = ({ headers: told }, random) => ({ headers: [...told, random.pick(headers)] });

const twists: readonly Twist[] = [
  (_, random) => ({ path: random.pick(paths) }),
  withHeader,
  withHeader,
  (_, random) => ({ body: Buffer.from(random.pick(bodies)) }),
  ({ body }, random) => ({ body: mutate(body, random, []) }),
  (_, random) => ({ method: random.pick(methods) }),
  ({ headers: told }) => ({ headers: told.filter(([name]) => name !== 'host') }),
  ({ headers: told }, random) => ({
    headers: [
      ...told,
      ...Array.from({ length: random.pick([10, 100, 3_000]) }, (_, at) => [`x-${at}`, 'y'] as const),
    ],
  }),
];
const methods = ['PATCH', 'TRACE', 'CONNECT', 'get', 'PRI', 'M-SEARCH', 'POST', 'PUT', 'DELETE', ''];

const chunkSizes = ['ffffffff', 'ffffffffffffffffff', '-1', 'zz', '0x5', '5;extension=1', ''];

/** In chunks, right ones or not. */
function chunked(body: Buffer, random: Random): Buffer {
  const parts: Buffer[] = [];
  for (let at = 0; at < body.length; ) {
    const size = random.pick([1, 7, 1_000, 50_000]);
    const part = body.subarray(at, at + size);
    const told = random.chance(0.1) ? random.pick(chunkSizes) : part.length.toString(16);
    parts.push(Buffer.from(`${told}\r\n`), part, Buffer.from(random.chance(0.05) ? '' : '\r\n'));
    at += size;
    if (parts.length > 600) break;
  }
  return Buffer.concat([...parts, Buffer.from(random.chance(0.1) ? '0\r\nx: y\r\n' : '0\r\n\r\n')]);
}

function bytesOf({ method, path, headers: told, body }: Request, random: Random): Buffer {
  const isChunked = told.some(([name, value]) => name === 'transfer-encoding' && value.includes('chunked'));
  const hasLength = told.some(([name]) => name === 'content-length');
  const length = random.chance(0.05) ? body.length + random.pick([-1, 1, 1_000]) : body.length;
  const isTold = !isChunked && !hasLength && (body.length > 0 || method === 'POST' || method === 'PUT');
  const lines = [...told, ...(isTold ? [['content-length', String(length)] as const] : [])];
  const top = `${method} ${path} HTTP/1.1\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`;
  return Buffer.concat([Buffer.from(top, 'latin1'), isChunked ? chunked(body, random) : body]);
}

/** Everything that one connection sends. */
export function connectionBytes(random: Random, pictures: readonly Buffer[]): Buffer {
  const parts: Buffer[] = [];
  for (let left = random.chance(0.1) ? random.integer(2, 4) : 1; left > 0; left -= 1) {
    let request = valid(random, random.pick(pictures));
    for (let twisted = random.pick([0, 1, 1, 2, 3]); twisted > 0; twisted -= 1) {
      request = { ...request, ...random.pick(twists)(request, random) };
    }
    if (random.chance(0.15))
      request = { ...request, headers: [...request.headers, ['transfer-encoding', 'chunked']] };
    parts.push(bytesOf(request, random));
  }
  const all = Buffer.concat(parts);
  return random.chance(0.25) ? mutate(all, random, parts) : all;
}
