/** Two replicas in one process over the log in memory: each answers for both. */
import { HeadwaterError } from '@headwater/errors';
import { openPeers, type PeerConfig } from '@headwater/http';
import { createMemoryLog, partitionFor } from '@headwater/log';
import { createLogger, type Service } from '@headwater/service-kit';
import { freePort } from '@headwater/testing/free-port';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ClassifyFixture, eventually, vectorOf } from '../testing/classify-fixture.ts';

const partitions = 4;
const labelled = 40;
const tokens = { read: 'r'.repeat(32), write: 'w'.repeat(32) };
const common = {
  PEER_SECRET: 'the secret that all processes share',
  AUTH_TOKENS: `reader read ${tokens.read};writer write ${tokens.write}`,
  HEADS: 'lda,knn',
};

/** Of every GET route that is about tasks or images. */
const paths = [
  '/v1/tasks',
  '/v1/tasks/digit',
  '/v1/tasks/digit/head',
  '/v1/tasks/digit/heads',
  '/v1/tasks/digit/measurements',
  '/v1/tasks/digit/measurements/lda',
  '/v1/tasks/digit/measurements/knn?over=held-out',
  '/v1/tasks/digit/predictions?limit=1000',
  '/v1/tasks/digit/next?limit=7',
  '/v1/tasks/digit/next?limit=1000',
  '/v1/tasks/digit/suspects?limit=5',
  '/v1/tasks/digit/examples/i7/influence',
  '/v1/tasks/none',
  '/v1/tasks/none/heads',
  '/v1/images/none/neighbours?task=digit',
  ...Array.from({ length: 12 }, (_, image) => `/v1/images/new${image}/neighbours?task=digit`),
];

let fixture: ClassifyFixture;
const replicas: Service[] = [];

beforeAll(async () => {
  fixture = await ClassifyFixture.open({ log: createMemoryLog(), partitions });
  for (let replica = 0; replica < 2; replica++) replicas.push(await startReplica());
  for (let image = 0; image < labelled / 2; image++) await send(image);
  await fixture.settled(labelled / 2);
  await eventually(async () => (await get(1, '/v1/tasks/digit/head')).status === 200);
  // Predicted by a head, so that labels can be compared with predictions.
  for (let image = labelled / 2; image < labelled; image++)
    await fixture.sendVector(`i${image}`, vectorOf(image % 3, image));
  for (let image = 0; image < 12; image++)
    await fixture.sendVector(`new${image}`, vectorOf(image % 3, image + 100));
  await eventually(async () => (await fixture.predictions()).length >= labelled + 12);
  for (let image = labelled / 2; image < labelled; image++)
    await fixture.sendLabel(`i${image}`, `c${image % 3}`);
  await drained();
});
afterAll(() => fixture.close());

async function startReplica(environment: Record<string, string> = {}): Promise<Service> {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  return fixture.start({ ...common, HTTP_PORT: String(port), HTTP_ADVERTISED_URL: url, ...environment });
}

async function send(image: number): Promise<void> {
  await fixture.sendVector(`i${image}`, vectorOf(image % 3, image));
  await fixture.sendLabel(`i${image}`, image === 7 ? 'c2' : `c${image % 3}`);
}

interface Found {
  readonly partitions: number[];
  readonly partial?: boolean;
  readonly missing?: { readonly join: number[]; readonly train: number[] };
  readonly served: { readonly labelled: number; readonly correct: number; readonly accuracy: number };
  readonly join: { readonly images: number };
  readonly considered: number;
  readonly asOf?: number;
}

function get(replica: number, path: string, headers: Record<string, string> = {}) {
  const init = { headers: { authorization: `Bearer ${tokens.read}`, ...headers } };
  return fixture.api<Found>(replicas[replica] as Service, path, init);
}

/** Both replicas serve the newest head, and nothing is left to be scored. */
async function drained(): Promise<void> {
  const head = await fixture.settled(labelled);
  await eventually(async () => {
    const seen = await Promise.all([0, 1].map((replica) => get(replica, '/v1/tasks/digit')));
    return seen.every(({ body }) => {
      const { version } = (body as unknown as { head: { version: number } | null }).head ?? {};
      return version !== undefined && version >= head.version && body.served.labelled >= labelled / 2;
    });
  });
}

const withoutTime = ({ status, body }: { status: number; body: Found }) => {
  const { asOf, ...rest } = body;
  if (status === 200) expect(asOf).toBeGreaterThan(1_700_000_000_000);
  return { status, ...rest };
};

describe('two replicas that know each other', () => {
  it.each(paths)('give the same answer: %s', async (path) => {
    await eventually(async () => {
      // One after the other: of some questions, a process answers one at a time.
      const first = withoutTime(await get(0, path));
      const second = withoutTime(await get(1, path));
      if (JSON.stringify(first) !== JSON.stringify(second)) return false;
      expect(first?.status).not.toBe(421);
      expect(first).not.toHaveProperty('partial');
      return true;
    });
  });

  it('count each image and each label once, whoever owns its partition', async () => {
    for (const replica of [0, 1]) {
      const { body } = await get(replica, '/v1/tasks/digit/measurements');
      expect(body.partitions).toEqual([0, 1, 2, 3]);
      expect(body.served.accuracy).toBe(body.served.correct / body.served.labelled);
      expect((await get(replica, '/v1/tasks')).body.join.images).toBe(labelled + 12);
      expect((await get(replica, '/v1/tasks/digit/next')).body.considered).toBe(12);
    }
  });

  it('pass on the role of the caller, and no more', async () => {
    for (const replica of [0, 1]) {
      const other = await get(replica, '/v1/peers/join');
      expect([other.status, await get(replica, '/v1/tasks/digit/suspects')]).toMatchObject([
        404,
        { status: 200 },
      ]);
      expect((await get(replica, '/v1/tasks/digit', { authorization: 'Bearer wrong' })).status).toBe(401);
      expect((await get(replica, '/v1/tasks/digit', { 'headwater-peer': 'e30.AAAA' })).status).toBe(401);
    }
  });
});

describe('a question that was passed on', () => {
  it('is never passed on again: the process that does not train the task says so', async () => {
    const [group, partition] = [fixture.names.groups.train, partitionFor('digit', partitions)];
    const ask = async ({ url: address }: Service) => {
      const describeGroup = async () => ({
        isStable: true,
        members: [{ id: 'm', address, partitions: [partition] }],
      });
      const logger = createLogger({ name: 'test', level: 'silent' });
      const options = { admin: { describeGroup }, self: undefined, groups: [], logger, waitMs: 300 };
      const peers = await openPeers({ PEER_SECRET: common.PEER_SECRET } as PeerConfig, options);
      const question = { group, path: '/v1/tasks/digit/suspects', caller: null };
      const notHere = () => Promise.reject(new HeadwaterError('partition-elsewhere', 'not here'));
      const outcome = await peers?.owner(partition, question, notHere).then(
        (answer) => ('remote' in answer ? answer.remote.status : 0),
        (error: HeadwaterError) => error.code,
      );
      peers?.close();
      return outcome;
    };
    const outcomes = [await ask(replicas[0] as Service), await ask(replicas[1] as Service)];
    expect(outcomes.map(String).sort()).toEqual(['200', 'group-rebalancing']);
  });
});

describe('a replica whose partitions nobody can ask about', () => {
  it('is named as missing, and the answers are whole again when it has left', async () => {
    const silent = await fixture.start({ ...common, ROLES: 'join' });
    const partial = await eventually(async () => {
      const { status, body } = await get(0, '/v1/tasks/digit');
      return status === 200 && body.partial === true && body;
    });
    expect(partial.missing?.train).toEqual([]);
    expect(partial.missing?.join.length).toBeGreaterThan(0);
    const { body: next } = await get(1, '/v1/tasks/digit/next');
    expect([...next.partitions, ...(next.missing?.join ?? [])].sort()).toEqual([0, 1, 2, 3]);
    const [missing = 0] = partial.missing?.join ?? [];
    const lost = Array.from({ length: 12 }, (_, image) => `new${image}`).find(
      (image) => partitionFor(image, partitions) === missing,
    );
    if (lost !== undefined)
      expect((await get(0, `/v1/images/${lost}/neighbours?task=digit`)).body).toMatchObject({
        code: 'peer-unavailable',
      });
    await silent.stop();
    await eventually(async () => {
      const { status, body } = await get(0, '/v1/tasks/digit');
      return status === 200 && body.partial === undefined;
    });
  });
});
