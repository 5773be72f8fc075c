/**
 * A cluster with TLS and authentication, and a service with tokens: valid and invalid credentials, and no
 * secret in any output, at the most verbose level and on failures.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createAuthority, type LocalKafka, startLocalKafka } from '@headwater/local-kafka';
import { createKafkaLog, type KafkaOptions, type Log } from '@headwater/log';
import { createFingerprintIds, openCodec } from '@headwater/schemas';
import { createLogger } from '@headwater/service-kit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type FakeS3, fail, noFault, startFakeS3 } from '../packages/testing/src/blobs/fake-s3.ts';
import { killAll, startScript, startService, type Variables } from './processes.ts';
import { digits } from './stream-client.ts';

const authority = createAuthority();
const secrets = {
  kafka: 'kafka-password-5e1f',
  wrong: 'wrong-password-77aa',
  registry: 'registry-password-9c21',
  token: 'token-of-a-writer-3b07-3b07-3b07',
  unknownToken: 'token-of-nobody-d41d-d41d-d41d',
  s3: 's3-secret-key-1f8c',
} as const;
const server = authority.issue('ingest');
const client = authority.issue('client');

let folder = '';
let kafka: LocalKafka;
let s3: FakeS3;
const logs: Log[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'headwater-secured-'));
  s3 = await startFakeS3();
  kafka = await startLocalKafka({
    dataDir: join(folder, 'kafka'),
    security: { authority, passwords: { headwater: secrets.kafka } },
  });
});
afterAll(async () => {
  killAll();
  await Promise.all(logs.map((log) => log.close()));
  await kafka?.stop();
  await s3?.[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

function open(options: Partial<KafkaOptions>): Log {
  const ssl = { ca: authority.certificate };
  const logger = createLogger({ name: 'test', level: 'silent' });
  const log = createKafkaLog({ brokers: kafka.brokers, ssl, ...options }, logger);
  logs.push(log);
  return log;
}

const login = (mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512', password: string = secrets.kafka) => ({
  sasl: { mechanism, username: 'headwater', password },
});

/** Writes a record to a separate topic and reads it back. */
async function exchange(log: Log, topic: string): Promise<string | undefined> {
  await log.admin.ensureTopics([{ name: topic, partitions: 1, settings: {} }], { create: true });
  const producer = await log.openProducer();
  await producer.send([{ topic, key: 'a', value: Buffer.from('through') }]);
  for await (const [record] of log.read({ topic, partition: 0 })) return record?.value?.toString();
  return undefined;
}

const refusal = (log: Log) =>
  log.admin.partitions('anything').then(
    () => 'let in',
    (error: unknown) => error,
  );

describe('a cluster with TLS and authentication', () => {
  it.each(['plain', 'scram-sha-256', 'scram-sha-512'] as const)('authenticates by %s', async (mechanism) => {
    expect(await exchange(open(login(mechanism)), `by-${mechanism}`)).toBe('through');
  });

  it('authenticates by a certificate', async () => {
    const ssl = { ca: authority.certificate, cert: client.certificate, key: client.key };
    const log = open({ brokers: kafka.certificateBrokers ?? [], ssl });
    expect(await exchange(log, 'by-certificate')).toBe('through');
  });

  it.each(['plain', 'scram-sha-256', 'scram-sha-512'] as const)(
    'rejects a wrong password by %s, which stops the service',
    async (mechanism) => {
      expect(await refusal(open(login(mechanism, secrets.wrong)))).toMatchObject({
        code: 'log-forbidden',
        verdict: 'stop',
        message: expect.stringMatching(/authentication failed/i),
      });
    },
  );

  it('is rejected with a certificate of another authority, or of one that the system does not know', async () => {
    const begun = performance.now();
    for (const ssl of [{ ca: createAuthority('Another authority').certificate }, true]) {
      expect(await refusal(open({ ssl, ...login('plain') }))).toMatchObject({
        code: 'log-untrusted',
        verdict: 'stop',
        message: expect.stringContaining('KAFKA_TLS_CA'),
      });
    }
    expect(performance.now() - begun).toBeLessThan(10_000);
  });

  it('rejects a client without its certificate, or with one of another authority', async () => {
    const brokers = kafka.certificateBrokers ?? [];
    const { certificate: cert, key } = createAuthority('Another authority').issue('client');
    for (const ssl of [{ ca: authority.certificate }, { ca: authority.certificate, cert, key }]) {
      expect(await refusal(open({ brokers, ssl }))).toMatchObject({ code: 'log-untrusted', verdict: 'stop' });
    }
  });
});

const secured = (): Variables => ({
  KAFKA_BROKERS: kafka.brokers.join(','),
  KAFKA_TLS: 'true',
  KAFKA_TLS_CA: authority.certificate,
  KAFKA_TLS_CERT: client.certificate,
  KAFKA_TLS_KEY: client.key,
  KAFKA_SASL_MECHANISM: 'scram-sha-512',
  KAFKA_SASL_USERNAME: 'headwater',
  KAFKA_SASL_PASSWORD: secrets.kafka,
  DATA_DIR: join(folder, 'data'),
  LOG_LEVEL: 'trace',
  PARTITIONS: '1',
  AUTH_TOKENS: `camera write ${secrets.token}`,
  HTTP_TLS_CERT: server.certificate,
  HTTP_TLS_KEY: server.key,
  BLOB_STORE: 's3://bucket',
  BLOB_S3_ENDPOINT: s3.endpoint,
  AWS_ACCESS_KEY_ID: 'AKIAHEADWATERTRIAL',
  AWS_SECRET_ACCESS_KEY: secrets.s3,
  INLINE_LIMIT_BYTES: '0',
});

/** Logs may contain a PEM key in one line or in many, so its middle is searched. */
const keyParts = [server.key, client.key].map((pem) => pem.split('\n')[1] ?? pem);

function expectNoSecret(printed: string): void {
  expect(printed.length).toBeGreaterThan(0);
  for (const secret of [...Object.values(secrets), ...keyParts]) {
    for (const form of [secret, Buffer.from(secret).toString('base64').replace(/=+$/, '')]) {
      expect([secret.slice(0, 8), printed.includes(form)]).toEqual([secret.slice(0, 8), false]);
    }
  }
}

function send(url: string, method: string, token: string | undefined, body?: Buffer): Promise<number> {
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
  return new Promise((resolve, reject) => {
    request(url, { method, headers, ca: authority.certificate, agent: false }, (response) => {
      response.resume().once('end', () => resolve(response.statusCode ?? 0));
    })
      .once('error', reject)
      .end(body);
  });
}

describe('a service on a secured cluster', () => {
  it('takes an image from the HTTPS request to the log, and reveals no secret in any error', async () => {
    const ingest = await startService('ingest', secured());
    expect(ingest.url).toMatch(/^https:/);
    const [first, second] = digits(2).map(({ bytes }) => bytes);
    const url = `${ingest.url}/v1/images`;
    expect(await send(url, 'POST', secrets.token, first)).toBe(202);
    expect(await send(url, 'POST', secrets.unknownToken, second)).toBe(401);
    expect(await send(url, 'POST', undefined, second)).toBe(401);
    expect(await send(`${url}/x`, 'DELETE', secrets.token)).toBe(403);
    s3.fault = (_request, response) => {
      fail(response, 403, 'SignatureDoesNotMatch');
      return true;
    };
    expect(await send(url, 'POST', secrets.token, second)).toBe(503);
    s3.fault = noFault;
    ingest.send('SIGTERM');
    expect(await ingest.ended).toMatchObject({ code: 0 });
    const log = open(login('scram-sha-256'));
    const codec = await openCodec(createFingerprintIds(), 'ImageReceived', 'images');
    for await (const [record] of log.read({ topic: 'images', partition: 0 })) {
      const { content } = await codec.decode(record?.value ?? Buffer.alloc(0));
      expect(content).toMatchObject({ uri: expect.stringMatching(/^s3:\/\/bucket\/images\//) });
    }
    expectNoSecret(ingest.stdout() + ingest.stderr());
  });

  it.each([
    ['a wrong password', { KAFKA_SASL_PASSWORD: secrets.wrong }, 'log-forbidden'],
    [
      'a wrong authority',
      { KAFKA_TLS_CA: createAuthority('Another authority').certificate },
      'log-untrusted',
    ],
    [
      'a registry that rejects the credentials',
      { SCHEMA_REGISTRY_USERNAME: 'me', SCHEMA_REGISTRY_PASSWORD: secrets.registry },
      'config-invalid',
    ],
    ['a token that is none', { AUTH_TOKENS: `camera ${secrets.token}` }, 'AUTH_TOKENS: entry 1'],
  ])('ends with 1 for %s, says so, and tells no secret', async (_, changes, words) => {
    s3.fault = (_request, response) => {
      response.writeHead(401, { 'content-type': 'application/json' }).end('{"message":"who are you?"}');
      return true;
    };
    const registry = 'SCHEMA_REGISTRY_PASSWORD' in changes ? { SCHEMA_REGISTRY_URL: s3.endpoint } : {};
    const own = { ADMIN_PORT: '0', HTTP_PORT: '0' };
    const variables = { ...secured(), ...own, ...registry, ...changes };
    const ingest = startScript('services/ingest/dist/main.js', [], variables);
    expect(await ingest.ended).toMatchObject({ code: 1 });
    expect(ingest.stderr()).toContain(words);
    expectNoSecret(ingest.stdout() + ingest.stderr());
  });
});

/** Runs last, since it changes the credentials. */
it('stops running services when the password is revoked', async () => {
  const topic = 'revoked';
  const log = open(login('plain'));
  const specs = [topic, `${topic}-dlt`].map((name) => ({ name, partitions: 1, settings: {} }));
  await log.admin.ensureTopics(specs, { create: true });
  const follower = await log.follow({ topics: [topic], from: 'beginning', onRecords: () => undefined });
  const partitionGroup = await log.openPartitionGroup({
    group: topic,
    topics: [topic],
    open: async () => ({
      process: async () => ({ records: [], deadLetters: [] }),
      close: () => undefined,
    }),
    transactionalId: () => topic,
    deadLetterTopic: (name) => `${name}-dlt`,
  });
  const ends = Promise.allSettled([partitionGroup.stopped, follower.stopped]);
  await partitionGroup.ready;
  const port = Number(kafka.brokers[0]?.split(':')[1]);
  await kafka.stop();
  const security = { authority, passwords: { headwater: 'another-password' } };
  kafka = await startLocalKafka({ dataDir: join(folder, 'kafka'), port, security });
  for (const end of await ends) {
    expect(end).toMatchObject({ status: 'rejected', reason: { code: 'log-forbidden', verdict: 'stop' } });
  }
});
