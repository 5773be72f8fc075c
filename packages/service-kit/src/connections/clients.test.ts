import { createAuthority } from '@headwater/local-kafka';
import { createMemoryLog, topicSpecs } from '@headwater/log';
import { expect, test } from 'vitest';
import { commonEnvironment, groupEnvironment } from '../configuration/common-environment.ts';
import { loadConfig } from '../configuration/load.ts';
import { namesOf, openSchemaIds, prepareTopics, topicOptions } from './clients.ts';
import { kafkaOptions } from './kafka-client.ts';

const authority = createAuthority();
const load = (environment: Record<string, string> = {}) => loadConfig(commonEnvironment, environment);

function specsOf(environment: Record<string, string> = {}) {
  const config = load(environment);
  return topicSpecs(namesOf(config), topicOptions(config, ['a.v1']));
}

test('the environment sets partitions, retention, sizes and replicas', () => {
  const specs = specsOf({
    PARTITIONS: '3',
    RETENTION_IMAGES: '1h',
    MAX_MESSAGE_BYTES: '5MB',
    REPLICATION_FACTOR: '3',
    MIN_INSYNC_REPLICAS: '2',
  });
  expect(specs.find(({ name }) => name === 'images')).toEqual({
    name: 'images',
    partitions: 3,
    replicationFactor: 3,
    settings: {
      'cleanup.policy': 'delete',
      'retention.ms': '3600000',
      'max.message.bytes': '5000000',
      'min.insync.replicas': '2',
    },
  });
});

test('reports all missing topics with settings where creation is not allowed', async () => {
  const log = createMemoryLog();
  const [images, ...others] = specsOf({ PARTITIONS: '2' });
  if (images === undefined) throw new Error('there are topics');
  await prepareTopics(log.admin, [images], true);
  const error = await prepareTopics(log.admin, [images, ...others], false).catch((thrown: Error) => thrown);
  expect(error).toMatchObject({ code: 'topic-missing' });
  const lines = (error as Error).message.split('\n').slice(1);
  expect(lines).toHaveLength(others.length);
  expect(lines).toContain(
    '  labels: 2 partitions, cleanup.policy=delete, retention.ms=-1, max.message.bytes=1048576',
  );
  expect(await log.admin.partitions('labels')).toBeUndefined();
  await log.close();
});

test('existing topics keep their partitions, and new ones get the same count', async () => {
  const log = createMemoryLog();
  await prepareTopics(log.admin, specsOf({ PARTITIONS: '2' }), true);
  const config = load({ PARTITIONS: '6' });
  const both = topicSpecs(namesOf(config), topicOptions(config, ['a.v1', 'b.v1']));
  await prepareTopics(log.admin, both, true);
  const partitions = await Promise.all(
    ['labels', 'vectors.b.v1', 'heads'].map((name) => log.admin.partitions(name)),
  );
  expect(partitions).toEqual([2, 2, 1]);
  await prepareTopics(log.admin, both, false);
  await log.close();
});

test('rejects a single-partition topic with more partitions', async () => {
  const log = createMemoryLog();
  const specs = specsOf({ PARTITIONS: '3' });
  const grown = specs.map((spec) => ({ ...spec, partitions: 3 }));
  await log.admin.ensureTopics(grown, { create: true });
  await expect(prepareTopics(log.admin, specs, false)).rejects.toMatchObject({ code: 'topic-mismatch' });
  await log.close();
});

test('uses the schema registry where one is set', () => {
  expect(openSchemaIds(load()).kind).toBe('fingerprint');
  expect(openSchemaIds(load({ SCHEMA_REGISTRY_URL: 'http://127.0.0.1:1' })).kind).toBe('registry');
});

test('the environment sets the connection to Kafka', () => {
  expect(kafkaOptions(load({ KAFKA_BROKERS: 'a:1,b:2' }))).toEqual({
    brokers: ['a:1', 'b:2'],
    clientId: 'headwater',
    sessionTimeoutMs: 30_000,
    ssl: false,
  });
  const named = loadConfig(commonEnvironment.extend(groupEnvironment), {
    KAFKA_BROKERS: 'a:1',
    GROUP_INSTANCE_ID: 'classify-0',
  });
  expect(kafkaOptions(named)).toMatchObject({ groupInstanceId: 'classify-0' });
  expect(kafkaOptions({ ...named, GROUP_INSTANCE_ID: undefined })).not.toHaveProperty('groupInstanceId');
  const secured = load({
    KAFKA_BROKERS: 'a:1',
    KAFKA_TLS: 'true',
    KAFKA_TLS_CA: authority.certificate,
    KAFKA_SASL_MECHANISM: 'scram-sha-512',
    KAFKA_SASL_USERNAME: 'me',
    KAFKA_SASL_PASSWORD: 'secret',
  });
  expect(kafkaOptions(secured)).toMatchObject({
    ssl: { ca: authority.certificate.trim() },
    sasl: { mechanism: 'scram-sha-512', username: 'me', password: 'secret' },
  });
  expect(kafkaOptions(load({ KAFKA_BROKERS: 'a:1', KAFKA_TLS: 'true' })).ssl).toBe(true);
  expect(() => kafkaOptions(load())).toThrow('KAFKA_BROKERS');
  const wrong = (environment: Record<string, string>) => () =>
    kafkaOptions(load({ KAFKA_BROKERS: 'a:1', KAFKA_TLS: 'true', ...environment }));
  expect(wrong({ KAFKA_TLS_CA: 'nonsense' })).toThrow('KAFKA_TLS_CA: expected certificates in PEM form');
  const { certificate } = authority.issue('me');
  const { key } = authority.issue('somebody else');
  expect(wrong({ KAFKA_TLS_CERT: certificate, KAFKA_TLS_KEY: key })).toThrow(
    'KAFKA_TLS_CERT and KAFKA_TLS_KEY',
  );
});
