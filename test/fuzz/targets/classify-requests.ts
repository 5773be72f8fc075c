/** What classify takes over HTTP. */
import type { Random } from '../../chaos/random.ts';
import { oddSegment } from '../odd-ids.ts';
import { type Request, requestOf, type Surface } from './http-requests.ts';

export interface ClassifySeeds {
  /** With a head of eight numbers, with one of pictures, and with none. */
  readonly tasks: readonly string[];
  readonly images: readonly string[];
  readonly kinds: readonly string[];
  readonly pictures: readonly Buffer[];
}

const json = 'application/json';
const limits = ['', '', '', '?limit=1', '?limit=20', '?limit=100'];
const wrongLimits = [
  '?limit=0',
  '?limit=1000',
  '?limit=1e9',
  '?limit=',
  '?limit=2&limit=3',
  '?limit=-1',
  '?limits=1',
];
const limitOf = (random: Random) => random.pick(random.chance(0.15) ? wrongLimits : limits);
const extractors = ['eight.v1', 'lenet-digits.v1', 'none.v9', ''];
const numbers = [0, 1, -1, 1e-45, 1e39, -0, 1e308, 8192, 0.1];

/** An id or a name: one that is there, or an odd one. */
const nameOf = (random: Random, known: readonly string[]) =>
  random.chance(0.15) ? oddSegment(random) : random.pick(known);

function vectorBody(random: Random): string {
  const vector = Array.from({ length: random.pick([8, 8, 8, 8, 8, 8, 0, 7, 9, 800, 20_000]) }, () =>
    random.chance(0.2) ? random.pick(numbers) : random.integer(-100, 100) / 50,
  );
  if (random.chance(0.7)) return JSON.stringify({ vector });
  const bytes = Buffer.from(Float32Array.from(vector).buffer).subarray(random.pick([0, 0, 1]));
  return JSON.stringify({ vector: bytes.toString(random.pick(['base64', 'base64url', 'hex'])) });
}

function taskRequest(random: Random, { kinds }: ClassifySeeds, task: string): Request {
  const path = `/v1/tasks/${task}`;
  const limit = limitOf(random);
  const kind = nameOf(random, kinds);
  const version = random.chance(0.8)
    ? '1'
    : random.pick(['2', '9', '0', '-1', '1e3', '99999999999999999999', '1.5']);
  const over = random.pick(['', '?over=held-out', '?over=held-out', '?over=prequential', '?over=all']);
  const line = random.pick([
    '',
    `?extractor=${random.pick(extractors)}&kind=lda`,
    `?kind=${kind}`,
    '?kind=a&kind=b',
  ]);
  return random.pick([
    () => requestOf('GET', path),
    () => requestOf('GET', `${path}/head`),
    () => requestOf('GET', `${path}/heads`),
    () => requestOf('POST', `${path}/heads/${version}/activate${line}`),
    () => requestOf('DELETE', `${path}/pin`),
    () => requestOf('GET', `${path}/measurements`),
    () => requestOf('GET', `${path}/measurements/${kind}${over}`),
    () => requestOf('GET', `${path}/predictions${limit}`),
    () => requestOf('GET', `${path}/next${limit}`),
    () => requestOf('GET', `${path}/suspects${limit}`),
  ])();
}

function classifyRequest(random: Random, { pictures }: ClassifySeeds, task: string): Request {
  const path = `/v1/tasks/${task}/classify`;
  const attributes = random.pick(['', '?attribute.a=b', `?attribute.${'n'.repeat(300)}=x`, '?attribute.=']);
  if (random.chance(0.6)) return requestOf('POST', path, json, vectorBody(random));
  const type = random.pick(['image/png', 'image/jpeg', 'application/octet-stream', 'image/svg+xml']);
  return requestOf('POST', `${path}${attributes}`, type, random.pick(pictures));
}

function imageRequest(random: Random, { images, tasks }: ClassifySeeds, task: string): Request {
  const image = nameOf(random, images);
  const limit = limitOf(random);
  const asked = nameOf(random, tasks);
  return random.pick([
    () => requestOf('GET', `/v1/tasks/${task}/examples/${image}/influence${limit}`),
    () => requestOf('GET', `/v1/images/${image}/neighbours?task=${asked}${limit.replace('?', '&')}`),
    () => requestOf('GET', `/v1/images/${image}/neighbours${limit}`),
  ])();
}

const paths = [
  '/v1/tasks/',
  '/v1/tasks//heads',
  '/v1/tasks/%2e%2e/head',
  '/v1/tasks/digit/heads/1/activate?__proto__=a',
  '/v1/tasks/digit/predictions?limit[]=1',
  '/v1/tasks/digit/predictions?limit=%ff',
  `/v1/tasks/digit/suspects?${'a=b&'.repeat(2_000)}`,
  '/v1/tasks/constructor/measurements/constructor',
  '/v1/tasks/digit/measurements/lda?over=held-out&over=held-out',
  '/v1/images/%ff/neighbours?task=digit',
  '/v1/images/i1/neighbours?task=',
];
const bodies = [
  '{"vector":[]}',
  '{"vector":"AAA="}',
  '{"vector":{"length":8}}',
  '{"vector":[1,2,3,4,5,6,7,null]}',
  '{"vector":[1e400,0,0,0,0,0,0,0]}',
  '{"__proto__":{"vector":[1,0,0,0,0,0,0,0]}}',
  `{"vector":[${'[1],'.repeat(3_000)}1]}`,
  `{"vector":"${'A'.repeat(400_000)}"}`,
  `{"vector":"${'\ud83d\ude42'.repeat(50)}"}`,
];

export function classifySurface(seeds: ClassifySeeds): Surface {
  return {
    request(random) {
      const task = nameOf(random, seeds.tasks);
      const about = random.integer(0, 19);
      if (about === 0) return requestOf('GET', random.pick(['/', '/openapi.json', '/v1/tasks']));
      if (about < 10) return taskRequest(random, seeds, task);
      return (about < 15 ? classifyRequest : imageRequest)(random, seeds, task);
    },
    paths,
    bodies,
  };
}
