import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { HeadwaterError } from '@headwater/errors';
import { createAuthority } from '@headwater/local-kafka';
import type { GroupDescription } from '@headwater/log';
import { createLogger } from '@headwater/service-kit';
import { freePort } from '@headwater/testing/free-port';
import type { FastifyInstance } from 'fastify';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { serve, type TestServer } from '../testing/test-server.ts';
import { PeerClient } from './peer-client.ts';
import { openPeers, Peers } from './peers.ts';

const secret = 'the secret that all processes share';
const token = 'r'.repeat(32);
const caller = { name: 'grafana', role: 'read' } as const;
const logger = createLogger({ name: 'test', level: 'silent' });
const elsewhere = () =>
  Promise.reject(new HeadwaterError('partition-elsewhere', 'another process owns the partition'));

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

/** A process that answers `/things` for these partitions. */
async function member(partitions: readonly number[], prepare?: (app: FastifyInstance) => void) {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const server: TestServer = await serve(
    { HTTP_PORT: String(port), AUTH_TOKENS: `grafana read ${token}` },
    (app) => {
      app.addHook('preHandler', async (request, reply) => {
        if (request.routeOptions.url !== '/things') return;
        await reply.send({ partitions, by: url, caller: request.caller, isPeer: request.peer !== null });
      });
      prepare?.(app);
    },
    { secret, url },
  );
  closing.push(() => server[Symbol.asyncDispose]());
  return { url, server };
}

/** A listener that belongs to no process of the installation; keeps what it is sent. */
async function stranger(answer: object, headers: Record<string, string> = {}) {
  const seen: IncomingMessage[] = [];
  const server = createServer((request, response) => {
    seen.push(request);
    response.setHeader('content-type', 'application/json');
    for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
    response.end(JSON.stringify(answer));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closing.push(() => server.close());
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, seen };
}

type Member = readonly [address: string | undefined, ...partitions: number[]];

function describeMembers(...members: readonly Member[]): GroupDescription {
  return {
    isStable: true,
    members: members.map(([address, ...partitions], index) => ({ id: `m${index}`, address, partitions })),
  };
}

function peersOf(description: GroupDescription | (() => GroupDescription), waitMs = 1_000) {
  const describeGroup = vi.fn(async () => (typeof description === 'function' ? description() : description));
  const options = { admin: { describeGroup }, self: 'http://127.0.0.1:1', logger, waitMs };
  const peers = new Peers({
    ...options,
    client: new PeerClient({ secret, ca: undefined, serverName: undefined }),
  });
  closing.push(() => peers.close());
  return { peers, describeGroup };
}

const question = { group: 'join', path: '/things?limit=3', caller };
const nothing = async () => ({ partitions: [] as number[] });

it('is refused at the start where the groups may not be described', async () => {
  const forbidden = new HeadwaterError('log-forbidden', 'no right to describe the group join');
  const describeGroup = vi.fn(async () => Promise.reject(forbidden));
  const options = { admin: { describeGroup }, self: undefined, groups: ['join'], logger };
  await expect(openPeers({ PEER_SECRET: secret }, options)).rejects.toBe(forbidden);
  expect(await openPeers({}, options)).toBeUndefined();
});

describe('a question to several owners', () => {
  it('is answered by each for its partitions, for the caller that the first process knows', async () => {
    const [a, b] = [await member([0, 2]), await member([1])];
    const { peers } = peersOf(describeMembers([b.url, 1], [a.url, 0, 2], ['http://127.0.0.1:1', 3]));
    const found = await peers.gather([0, 1, 2, 3], question, async () => ({ partitions: [3] }));
    expect(found).toEqual({
      missing: [],
      answers: [
        { partitions: [0, 2], by: a.url, caller, isPeer: true },
        { partitions: [1], by: b.url, caller, isPeer: true },
        { partitions: [3] },
      ],
    });
  });

  it('names the partitions of a process that has ended, without a wait', async () => {
    const a = await member([0]);
    const gone = `http://127.0.0.1:${await freePort()}`;
    const { peers } = peersOf(describeMembers([a.url, 0], [gone, 1, 2]), 60_000);
    const found = await peers.gather([0, 1, 2, 3], question, nothing);
    expect(found.answers.flatMap(({ partitions }) => [...partitions])).toEqual([0]);
    expect(found.missing).toEqual([1, 2, 3]);
  });

  it('is asked again where a partition has moved since', async () => {
    const [a, b] = [await member([]), await member([0])];
    let reads = 0;
    const { peers } = peersOf(() => describeMembers([++reads === 1 ? a.url : b.url, 0]));
    expect((await peers.gather([0], question, nothing)).missing).toEqual([]);
  });

  it('never counts a partition twice that two processes claim', async () => {
    const [a, b] = [await member([0]), await member([0, 1])];
    const { peers } = peersOf(describeMembers([a.url, 0], [b.url, 1]), 300);
    await expect(peers.gather([0, 1], question, nothing)).rejects.toMatchObject({
      code: 'group-rebalancing',
    });
  });

  it('waits for a rebalance, and says so when it takes too long', async () => {
    const a = await member([0]);
    let reads = 0;
    const changing = () => ({ ...describeMembers([a.url, 0]), isStable: ++reads > 2 });
    expect((await peersOf(changing, 5_000).peers.gather([0], question, nothing)).missing).toEqual([]);
    const always = { isStable: false, members: [] };
    await expect(peersOf(always, 300).peers.gather([0], question, nothing)).rejects.toMatchObject({
      code: 'group-rebalancing',
    });
  });

  it('is asked of the last known owners while the cluster does not respond', async () => {
    const [a, gone] = [await member([0]), `http://127.0.0.1:${await freePort()}`];
    const { peers, describeGroup } = peersOf(describeMembers([a.url, 0], [gone, 1]), 700);
    await peers.gather([0], question, nothing);
    describeGroup.mockRejectedValueOnce(new HeadwaterError('log-unavailable', 'no broker responds'));
    describeGroup.mockImplementation(() => new Promise(() => undefined));
    for (let again = 0; again < 3; again++)
      expect((await peers.gather([0, 1], question, nothing)).missing).toEqual([1]);
  });

  it('reads the group once for many questions at a time', async () => {
    const a = await member([0]);
    const { peers, describeGroup } = peersOf(describeMembers([a.url, 0]));
    await Promise.all(Array.from({ length: 20 }, () => peers.gather([0], question, nothing)));
    await peers.gather([0], question, nothing);
    expect(describeGroup).toHaveBeenCalledTimes(1);
  });
});

describe('a question to the owner of a partition', () => {
  it('is answered here where this process owns it', async () => {
    const { peers, describeGroup } = peersOf(describeMembers());
    expect(await peers.owner(0, question, async () => 'here')).toEqual({ local: 'here' });
    expect(describeGroup).not.toHaveBeenCalled();
  });

  it('goes on to the next owner after the answer "not mine"', async () => {
    const away = await member([], (app) =>
      app.get('/part', () => Promise.reject(new HeadwaterError('partition-elsewhere', 'not mine'))),
    );
    const owner = await member([0], (app) => app.get('/part', async () => 'the answer'));
    let reads = 0;
    const { peers } = peersOf(() => describeMembers([++reads === 1 ? away.url : owner.url, 0]));
    const asked = { ...question, path: '/part', caller: { name: 'ops', role: 'admin' } as const };
    const answer = await peers.owner(0, asked, elsewhere);
    expect('remote' in answer && answer.remote.body.toString()).toBe('the answer');
  });

  it('ends with a problem that can be repeated where the owner does not answer', async () => {
    const gone = `http://127.0.0.1:${await freePort()}`;
    const { peers } = peersOf(describeMembers([gone, 0]), 60_000);
    await expect(peers.owner(0, question, elsewhere)).rejects.toMatchObject({ code: 'peer-unavailable' });
  });
});

describe('a false member that advertises a URL', () => {
  it('is sent no token and nothing that another process accepts, and its answers count for nothing', async () => {
    const a = await member([0]);
    const liar = await stranger({ partitions: [1], labelled: 1_000 }, { 'headwater-peer-proof': 'AAAA' });
    const { peers } = peersOf(describeMembers([a.url, 0], [liar.url, 1]));
    const found = await peers.gather([0, 1], question, nothing);
    expect(found.missing).toEqual([1]);
    expect(found.answers).toHaveLength(1);
    await expect(peers.owner(1, question, elsewhere)).rejects.toMatchObject({ code: 'peer-unavailable' });

    expect(liar.seen.length).toBeGreaterThan(0);
    for (const { headers, url = '' } of liar.seen) {
      expect(JSON.stringify(headers)).not.toContain(token);
      expect(headers).not.toHaveProperty('authorization');
      // Passed on to a true process, the proof is worth nothing, and no token is required to try it.
      const relayed = await fetch(a.url + url, {
        headers: { 'headwater-peer': String(headers['headwater-peer']) },
      });
      expect(relayed.status).toBe(401);
    }
  });

  it('cannot answer with what a true process has answered to another request', async () => {
    const a = await member([0]);
    const { peers } = peersOf(describeMembers([a.url, 0]));
    let captured = '';
    a.server.app.server.on('request', (_request, response) =>
      response.once('finish', () => {
        captured = String(response.getHeader('headwater-peer-proof'));
      }),
    );
    const { answers } = await peers.gather([0], question, nothing);
    await vi.waitFor(() => expect(captured).not.toBe(''));
    const liar = await stranger(answers[0] ?? {}, { 'headwater-peer-proof': captured });
    const { peers: others } = peersOf(describeMembers([liar.url, 0]));
    expect((await others.gather([0], question, nothing)).missing).toEqual([0]);
  });

  it.each(['file:///etc/passwd', 'ftp://host', 'nonsense', ''])('is not asked at %j', async (address) => {
    const { peers } = peersOf(describeMembers([address, 0]));
    expect((await peers.gather([0], question, nothing)).missing).toEqual([0]);
  });
});

describe('a request with the header of peers', () => {
  it('is rejected without a valid proof, also with a valid token', async () => {
    const { url } = await member([0]);
    const headers = { authorization: `Bearer ${token}`, 'headwater-peer': 'e30.AAAA' };
    expect((await fetch(`${url}/things`, { headers })).status).toBe(401);
    expect((await fetch(`${url}/things`, { headers: { authorization: headers.authorization } })).status).toBe(
      200,
    );
  });

  it('has the role of its caller, and no other', async () => {
    const a = await member([0], (app) => app.get('/admin-only', async () => 'secret'));
    const { peers } = peersOf(describeMembers([a.url, 0]));
    const answer = await peers.owner(0, { ...question, path: '/admin-only' }, elsewhere);
    expect('remote' in answer && answer.remote.status).toBe(403);
  });
});

describe('with HTTPS, another process', () => {
  const authority = createAuthority();
  const tls = { PEER_TLS_CA: authority.certificate, PEER_TLS_NAME: 'classify.internal' };

  async function askOver(issued: { readonly certificate: string; readonly key: string }, given: object) {
    const port = await freePort();
    const url = `https://127.0.0.1:${port}`;
    const own = { HTTP_TLS_CERT: issued.certificate, HTTP_TLS_KEY: issued.key };
    const server = await serve(
      { HTTP_PORT: String(port), ...own },
      (app) => app.get('/part', async () => ({ partitions: [0] })),
      { secret, url },
    );
    closing.push(() => server[Symbol.asyncDispose]());
    const admin = { describeGroup: async () => describeMembers([url, 0]) };
    const config = { PEER_SECRET: secret, ...given } as Parameters<typeof openPeers>[0];
    const peers = (await openPeers(config, { admin, self: undefined, groups: [], logger })) as Peers;
    closing.push(() => peers.close());
    return (await peers.gather([0], { ...question, path: '/part' }, nothing)).missing;
  }

  it('is believed by the authority of the installation and its one name, whatever its address', async () => {
    expect(await askOver(authority.issue('classify.internal', ['classify.internal']), tls)).toEqual([]);
  });

  it('is not asked with another name, of another authority, or of none that the system knows', async () => {
    expect(await askOver(authority.issue('ingest.internal', ['ingest.internal']), tls)).toEqual([0]);
    expect(
      await askOver(createAuthority('Another').issue('classify.internal', ['classify.internal']), tls),
    ).toEqual([0]);
    expect(await askOver(authority.issue('classify.internal', ['classify.internal']), {})).toEqual([0]);
  });
});
