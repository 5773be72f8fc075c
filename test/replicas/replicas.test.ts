/** Two or three processes of each service behind one name: whichever is asked, the answer is that of the installation. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually } from '@headwater/testing/eventually';
import { freePort } from '@headwater/testing/free-port';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { killAll, type ServiceProcess, startService, type Variables } from '../processes.ts';
import { digits, openStreamClient, type StreamClient, streamVariables, task } from '../stream-client.ts';
import { openRoundRobin, type RoundRobin } from './round-robin.ts';

const images = digits(96);
/** The first half before there is a head, the rest after; the last ones stay without a label. */
const [first, labelled] = [48, 80];
const waitMs = 120_000;

interface Answer {
  readonly status: number;
  readonly retryAfter: string | null;
  readonly body: Readonly<Record<string, unknown>>;
}

interface Missing {
  readonly join: readonly number[];
  readonly train: readonly number[];
}

let folder = '';
let variables: Variables;
let client: StreamClient;
let classify: ServiceProcess[] = [];
let ingest: ServiceProcess[] = [];
const proxies: RoundRobin[] = [];
const ids: string[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'headwater-replicas-'));
  variables = {
    ...streamVariables(inject('brokers'), join(folder, 'state')),
    PEER_SECRET: 'the secret that all processes share',
    SETTLE_AFTER_MS: '300',
    BLOB_STORE: `file://${join(folder, 'blobs')}`,
    ENGINE_THREADS: '1',
    DECODER_PROCESSES: '0',
  };
  classify = [await startClassify(0)];
  await startService('extract', variables);
  classify.push(await startClassify(1), await startClassify(2));
  await Promise.all([startService('extract', variables), startService('extract', variables)]);
  ingest = await Promise.all([startService('ingest', variables), startService('ingest', variables)]);
  client = await openStreamClient(variables);
  proxies.push(await openRoundRobin(() => ingest.map(({ url }) => url)));
  proxies.push(await openRoundRobin(() => classify.map(({ url }) => url)));
  await fill();
});
afterAll(async () => {
  for (const proxy of proxies) proxy.close();
  await client?.close();
  killAll();
  await rm(folder, { recursive: true, force: true });
});

async function startClassify(replica: number): Promise<ServiceProcess> {
  const port = await freePort();
  const own = { HTTP_PORT: String(port), HTTP_ADVERTISED_URL: `http://127.0.0.1:${port}` };
  return startService('classify', { ...variables, ...own, DATA_DIR: join(folder, `classify-${replica}`) });
}

async function get(url: string, path: string): Promise<Answer> {
  const response = await fetch(new URL(path, url));
  const body = (await response.json()) as Answer['body'];
  return { status: response.status, retryAfter: response.headers.get('retry-after'), body };
}

/** Images and labels through the proxy, until everything is predicted, labelled and learned. */
async function fill(): Promise<void> {
  await sendImages(0, first);
  await sendLabels(0, first);
  await settled(first);
  await sendImages(first, images.length);
  await sendLabels(first, labelled);
  await settled(labelled);
}

async function sendImages(from: number, to: number): Promise<void> {
  for (const { bytes } of images.slice(from, to)) {
    const response = await fetch(new URL('/v1/images', proxies[0]?.url), {
      method: 'POST',
      body: new Uint8Array(bytes),
    });
    expect(response.status).toBe(202);
    ids.push(((await response.json()) as { id: string }).id);
  }
  await eventually(() => client.predictions.size === to, waitMs);
}

async function sendLabels(from: number, to: number): Promise<void> {
  for (const [index, { label }] of images.slice(from, to).entries()) {
    const path = `/v1/images/${ids[from + index]}/labels/${task}`;
    const headers = { 'content-type': 'application/json' };
    const init = { method: 'PUT', headers, body: JSON.stringify({ label }) };
    expect((await fetch(new URL(path, proxies[0]?.url), init)).status).toBe(202);
  }
}

/** Every replica serves the settled head that has learned so many examples. */
async function settled(examples: number): Promise<void> {
  for (const { url } of classify) {
    await eventually(async () => {
      const { body } = await get(url, `/v1/tasks/${task}/head`);
      return body.mode === 'settled' && body.examples === examples;
    }, waitMs);
  }
}

const withoutTime = ({ status, body: { asOf: _, ...body } }: Answer) => ({ status, body });

/** The answers of all replicas, as soon as they are the same; fails with what differs. */
async function sameAnswer(replicas: readonly ServiceProcess[], path: string): Promise<Answer> {
  let answers: Answer[] = [];
  await expect
    .poll(
      async () => {
        answers = [];
        // One after the other: of some questions, a process answers one at a time.
        for (const { url } of replicas) answers.push(await get(url, path));
        return answers.map(withoutTime);
      },
      { timeout: 30_000, interval: 200, message: path },
    )
    .toSatisfy((all: object[]) => new Set(all.map((one) => JSON.stringify(one))).size === 1);
  return answers[0] as Answer;
}

/** Each GET route of the document, with values for its parameters; unknown parameters fail the test. */
async function pathsOf({ url }: ServiceProcess): Promise<string[]> {
  const { body } = await get(url, '/openapi.json');
  const routes = Object.entries(body.paths as Record<string, object>).filter(
    ([, methods]) => 'get' in methods,
  );
  return routes.flatMap(([route]) => {
    const values: Record<string, readonly string[]> = {
      task: [task],
      kind: ['lda'],
      imageId: [...ids.slice(0, 3), ...ids.slice(-6)],
      id: route.startsWith('/schemas') ? ['1', '70000'] : ids.filter((_, index) => index % 5 === 0),
    };
    const query = route.endsWith('/neighbours') ? `?task=${task}` : '';
    return expand(route, values).map((path) => path + query);
  });
}

function expand(route: string, values: Readonly<Record<string, readonly string[]>>): string[] {
  const [pattern, name = ''] = /\{(\w+)\}/.exec(route) ?? [];
  if (pattern === undefined) return [route];
  const given = values[name];
  if (given === undefined) throw new Error(`the test has no value for ${name} of ${route}`);
  return given.flatMap((value) => expand(route.replace(pattern, value), values));
}

describe('replicas behind one name', () => {
  it('give the same answer to every GET route of ingest, whichever accepted the image', async () => {
    for (const path of await pathsOf(ingest[0] as ServiceProcess)) {
      const { body } = await sameAnswer(ingest, path);
      if (!path.startsWith('/v1/images/')) continue;
      expect(body).toMatchObject({ status: 'classified', width: 28, height: 28, mediaType: 'image/png' });
      expect(body).not.toHaveProperty('partial');
    }
  });

  it('give the same answer to every GET route of classify, and none is another’s to answer', async () => {
    for (const path of await pathsOf(classify[0] as ServiceProcess)) {
      const { status, body } = await sameAnswer(classify, path);
      expect([path, status], JSON.stringify(body)).not.toEqual([path, 421]);
      if (status !== 200) expect([path, body.code]).toEqual([path, 'not-found']);
      expect(body).not.toHaveProperty('partial');
    }
  });

  it('answer what the audit of the topics finds', async () => {
    const audit = await client.audit(ids);
    expect(audit).toMatchObject({ lost: 0, duplicates: 0, deadLetters: 0 });
    const { body: tasks } = await sameAnswer(classify, '/v1/tasks');
    expect(tasks.join).toMatchObject({ images: audit.vectors, unmatched: 0, partitions: [0, 1, 2, 3] });
    const { body: one } = await sameAnswer(classify, `/v1/tasks/${task}`);
    const { labelled: scored, correct, accuracy, unanswered } = one.served as Record<string, number>;
    expect(Number(scored) + Number(unanswered)).toBe(audit.examples);
    expect(accuracy).toBe(Number(correct) / Number(scored));
    const { body: next } = await sameAnswer(classify, `/v1/tasks/${task}/next?limit=1000`);
    expect(next.considered).toBe(audit.vectors - audit.examples);
    const { body: recent } = await sameAnswer(classify, `/v1/tasks/${task}/predictions?limit=1000`);
    expect(recent.predictions).toHaveLength(audit.predictions);
  });

  it('answer alike through the proxy, request after request', async () => {
    const answers = [];
    for (let request = 0; request < 6; request++)
      answers.push(withoutTime(await get(proxies[1]?.url ?? '', `/v1/tasks/${task}`)));
    expect(new Set(answers.map((one) => JSON.stringify(one))).size).toBe(1);
  });

  it('show an erasure everywhere', async () => {
    const id = ids.at(-1) ?? '';
    const before = await sameAnswer(classify, `/v1/tasks/${task}/next?limit=1000`);
    expect(JSON.stringify(before.body)).toContain(id);
    const response = await fetch(new URL(`/v1/images/${id}`, ingest[0]?.url), { method: 'DELETE' });
    expect(response.status).toBe(202);
    for (const { url } of ingest) {
      const status = async () => withoutTime(await get(url, `/v1/images/${id}`));
      await expect.poll(status, { timeout: waitMs }).toEqual({ status: 200, body: { id, status: 'erased' } });
    }
    for (const path of ['next?limit=1000', 'predictions?limit=1000']) {
      const { body } = await sameAnswer(classify, `/v1/tasks/${task}/${path}`);
      expect(JSON.stringify(body)).not.toContain(id);
    }
    const { status } = await sameAnswer(classify, `/v1/images/${id}/neighbours?task=${task}`);
    expect(status).toBe(404);
  });

  it('know images again after a restart of ingest', async () => {
    const [, old] = ingest as [ServiceProcess, ServiceProcess];
    old.send('SIGTERM');
    await old.ended;
    ingest = [ingest[0] as ServiceProcess, await startService('ingest', variables)];
    for (const { url } of ingest) {
      const { body } = await get(url, `/v1/images/${ids[0]}`);
      expect(body).toMatchObject({ id: ids[0], status: 'classified', predictions: [{ task }] });
    }
  });

  it('name what is missing while a killed replica still counts as a member, then recover', async () => {
    const path = `/v1/tasks/${task}/next?limit=1000`;
    const whole = await sameAnswer(classify, path);
    const [killed, ...others] = [...classify].reverse() as [ServiceProcess, ...ServiceProcess[]];
    killed.send('SIGKILL');
    await killed.ended;
    classify = others;
    const { url } = others[0] as ServiceProcess;
    const started = performance.now();
    const partial = await get(url, path);
    expect(performance.now() - started).toBeLessThan(3_000);
    expect(partial).toMatchObject({ status: 200, body: { partial: true, ofPartitions: 4 } });
    const { join: missing } = partial.body.missing as Missing;
    expect(missing.length).toBeGreaterThan(0);
    expect([...(partial.body.partitions as number[]), ...missing].sort()).toEqual([0, 1, 2, 3]);

    const lost: string[] = [];
    await expect
      .poll(
        async () => {
          const { status, retryAfter, body } = await get(url, path);
          if (status === 503) expect([retryAfter, body.code]).toEqual(['1', 'group-rebalancing']);
          else if (status !== 200) lost.push(String(status));
          return status === 200 && body.partial === undefined;
        },
        { timeout: waitMs, interval: 200 },
      )
      .toBe(true);
    expect(lost).toEqual([]);
    const again = await sameAnswer(classify, path);
    expect(again.body.images).toEqual(whole.body.images);
    for (const image of ids.slice(0, 5)) {
      const { status } = await sameAnswer(classify, `/v1/images/${image}/neighbours?task=${task}`);
      expect(status).toBe(200);
    }
  });
});
