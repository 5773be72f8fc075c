/** Requests as bytes: right ones of every kind, and what clients, proxies and attackers make of them. */
import type { Random } from '../../chaos/random.ts';
import { mutate } from '../mutation.ts';

type Header = readonly [name: string, value: string];

export interface Request {
  readonly method: string;
  readonly path: string;
  readonly headers: readonly Header[];
  readonly body: Buffer;
}

/** What a service takes, and what is like it. */
export interface Surface {
  /** A right request of any route; ids may be odd. */
  request(random: Random): Request;
  /** Wrong ones, beside those that are wrong everywhere. */
  readonly paths: readonly string[];
  readonly bodies: readonly string[];
}

export function requestOf(method: string, path: string, type?: string, body: Buffer | string = ''): Request {
  return {
    method,
    path,
    headers: [['host', '127.0.0.1'], ...(type === undefined ? [] : [['content-type', type] as const])],
    body: Buffer.from(body),
  };
}

const commonPaths = [
  '/',
  '//',
  '/%00',
  '/%',
  '/%c3',
  `/${'a'.repeat(20_000)}`,
  '*',
  'http://elsewhere/v1/images',
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
  ['content-type', 'application/json'],
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
const commonBodies = ['', '{', '[]', 'null', '"', '['.repeat(20_000), '\n\n\n'];

type Twist = (request: Request, random: Random, surface: Surface) => Partial<Request>;

const withHeader: Twist = ({ headers: told }, random) => ({ headers: [...told, random.pick(headers)] });

const twists: readonly Twist[] = [
  (_, random, { paths }) => ({ path: random.pick([...commonPaths, ...paths]) }),
  withHeader,
  withHeader,
  (_, random, { bodies }) => ({ body: Buffer.from(random.pick([...commonBodies, ...bodies])) }),
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
export function connectionBytes(random: Random, surface: Surface): Buffer {
  const parts: Buffer[] = [];
  for (let left = random.chance(0.1) ? random.integer(2, 4) : 1; left > 0; left -= 1) {
    let request = surface.request(random);
    for (let twisted = random.pick([0, 0, 1, 1, 2, 3]); twisted > 0; twisted -= 1) {
      request = { ...request, ...random.pick(twists)(request, random, surface) };
    }
    if (random.chance(0.15))
      request = { ...request, headers: [...request.headers, ['transfer-encoding', 'chunked']] };
    parts.push(bytesOf(request, random));
  }
  const all = Buffer.concat(parts);
  return random.chance(0.25) ? mutate(all, random, parts) : all;
}
