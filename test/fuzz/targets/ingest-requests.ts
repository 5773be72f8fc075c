/** What ingest takes over HTTP. */
import type { Random } from '../../chaos/random.ts';
import { oddSegment, oddText } from '../odd-ids.ts';
import { type Request, requestOf, type Surface } from './http-requests.ts';

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

function validRequest(random: Random, picture: Buffer): Request {
  const isOdd = random.chance(0.25);
  const plain = `image-${random.integer(0, 50)}`;
  const [image, imageId] = isOdd ? [oddSegment(random), oddText(random)] : [plain, plain];
  const label = { label: '7', annotator: 'ann', assignedAt: '2026-01-01T00:00:00Z' };
  const quoted = imageId.replaceAll('"', '""');
  const csv = `imageId,task,label\n"${quoted}",digit,7\nimage-2,digit,\n`.repeat(random.pick([1, 3, 300]));
  const lines = `${JSON.stringify({ imageId, task: 'digit', label: null })}\n`.repeat(
    random.pick([1, 3, 300]),
  );
  return random.pick([
    () => requestOf('POST', '/v1/images?source=camera', 'image/png', picture),
    () =>
      requestOf(
        'POST',
        `/v1/images?id=${image}&task=digit&label=7&attribute.a=b`,
        'application/octet-stream',
        picture,
      ),
    () =>
      requestOf(
        'POST',
        '/v1/images?group=g',
        `multipart/form-data; boundary=${boundary}`,
        formOf(picture, random),
      ),
    () => requestOf('PUT', `/v1/images/${image}/labels/digit`, json, JSON.stringify(label)),
    () => requestOf('DELETE', `/v1/images/${image}/labels/digit?annotator=ann`),
    () => requestOf('GET', `/v1/images/${image}`),
    () => requestOf('DELETE', `/v1/images/${image}`),
    () => requestOf('POST', '/v1/labels', 'text/csv', csv),
    () => requestOf('POST', '/v1/labels', 'application/x-ndjson', lines),
    () => requestOf('GET', `/schemas/ids/${random.integer(-5, 2 ** 31)}`),
    () => requestOf(random.pick(['GET', 'HEAD', 'OPTIONS']), '/openapi.json'),
  ])();
}

const paths = [
  '/v1/images/%2e%2e',
  '/v1/images/..%2f..',
  '/v1/images?id=%ff',
  '/v1/images?id[]=a&id[]=b',
  '/v1/images?__proto__=a',
  '/v1/images?timeout=1e9',
  `/v1/images?${'a=b&'.repeat(2_000)}`,
  '/v1/images?attribute.=x',
  '/v1/images/constructor',
  '/schemas/ids/1e3',
  '/schemas/ids/99999999999999999999',
];
const bodies = [
  '{"__proto__":{"label":"x"}}',
  '{"label":{}}',
  '{"label":"7","assignedAt":1e400}',
  `{"label":"${'7'.repeat(5_000)}"}`,
  '\ufeff{"label":"7"}',
  'imageId,task,label\n"',
  'imageId;task\n',
  'imageId,imageId,task,label\na,b,c,d\n',
  `imageId,task,label\n${'"'.repeat(999)}\n`,
  `--${boundary}\r\n\r\n`,
  `--${boundary}--`,
  `--${boundary}\r\ncontent-disposition: form-data; name="file"; filename="${'x'.repeat(9_000)}"\r\n\r\n`,
];

export function ingestSurface(pictures: readonly Buffer[]): Surface {
  return { request: (random) => validRequest(random, random.pick(pictures)), paths, bodies };
}
