/**
 * A blob store or a schema registry that is away for longer than a session: no member leaves the group, no
 * record becomes a dead letter, is lost or doubled, and work continues when it is back.
 */
import { randomUUID } from 'node:crypto';
import { renameSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { createFolderBlobStore } from '@headwater/blobs';
import { createKafkaLog } from '@headwater/log';
import { createRegistryIds, openCodec, recordSchema } from '@headwater/schemas';
import { createLogger } from '@headwater/service-kit';
import { type ExpectStatic, inject, it, type TestContext } from 'vitest';
import { startExtract } from '../services/extract/src/service.ts';
import {
  digitImage,
  extractor,
  imageReceived,
  openExtractFixture,
} from '../services/extract/src/testing/extract-fixture.ts';

const sessionTimeoutMs = 2_000;
const awayMs = 2.2 * sessionTimeoutMs;
const ids = Array.from({ length: 24 }, (_, index) => `image-${index}`);

type Finish = TestContext['onTestFinished'];

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

async function openScene(onTestFinished: Finish) {
  const logger = createLogger({ name: 'test', level: 'fatal' });
  const log = createKafkaLog({ brokers: inject('brokers'), sessionTimeoutMs }, logger);
  let assignments = 0;
  const codes = new Set<string>();
  const openPartitionGroup = log.openPartitionGroup.bind(log);
  log.openPartitionGroup = (options) =>
    openPartitionGroup({
      ...options,
      observer: {
        ...options.observer,
        assigned: () => {
          assignments += 1;
        },
        retried: (_lane, error) => void codes.add(error.code),
      },
    });
  const fixture = await openExtractFixture(log, `faults-${randomUUID()}.`);
  onTestFinished(() => fixture.close());
  const vectors = async () => {
    const topic = fixture.names.topics.vectors(extractor);
    const keys: string[] = [];
    for (const partition of [0, 1]) {
      for await (const chunk of log.read({ topic, partition })) {
        keys.push(...chunk.map(({ key }) => String(key)));
      }
    }
    return keys.sort();
  };
  return {
    ...fixture,
    start: (parts: object) =>
      startExtract(fixture.config({ PARTITIONS: '2' }), { ...fixture.dependencies(), ...parts }),
    send: (values: readonly Buffer[]) =>
      fixture.producer.send(
        ids.map((key, index) => ({
          topic: fixture.names.topics.images,
          key,
          value: values[index] ?? null,
        })),
      ),
    async expectNothingYet(expect: ExpectStatic, code: string) {
      await expect.poll(() => [...codes], { timeout: 60_000 }).toEqual([code]);
      await pause(awayMs);
      expect(await vectors()).toEqual([]);
    },
    async expectAllOnce(expect: ExpectStatic) {
      await expect
        .poll(async () => (await vectors()).length, { timeout: 60_000 })
        .toBeGreaterThanOrEqual(ids.length);
      expect(await vectors()).toEqual([...ids].sort());
      expect(await fixture.deadLetters()).toEqual([]);
      expect(assignments).toBe(1);
      expect(codes.size).toBe(1);
    },
  };
}

it.concurrent('waits for a blob store that is away for longer than a session', async ({
  expect,
  onTestFinished,
}) => {
  const scene = await openScene(onTestFinished);
  const root = join(scene.root, 'mount');
  const blobs = createFolderBlobStore({ root });
  const images = await Promise.all(
    ids.map((_, index) => digitImage(index).then((bytes) => blobs.put(bytes))),
  );
  const service = await scene.start({ blobs: createFolderBlobStore({ root }) });
  renameSync(root, `${root}-away`);
  await scene.send(
    ids.map((id, index) => scene.codec.encode(imageReceived(id, images[index] ?? Buffer.alloc(0)))),
  );

  await scene.expectNothingYet(expect, 'blob-store-unavailable');
  renameSync(`${root}-away`, root);
  await scene.expectAllOnce(expect);
  await service.stop();
});

it.concurrent('waits for a schema registry that is away for longer than a session', async ({
  expect,
  onTestFinished,
}) => {
  const scene = await openScene(onTestFinished);
  const registry = await startRegistry(onTestFinished);
  const schemaIds = createRegistryIds({ url: registry.url, attempts: 2, timeoutMs: 500 });
  const writer = await openCodec(schemaIds, 'ImageReceived', scene.names.topics.images);
  // Another version of the schema, which this process must request.
  const newer = { ...recordSchema('ImageReceived'), doc: 'a version of later on' };
  const newerId = await schemaIds.register('another-subject', newer);
  const service = await scene.start({ schemaIds });
  registry.leave();
  const values = await Promise.all(
    ids.map(async (id, index) => writer.encode(imageReceived(id, await digitImage(index)))),
  );
  for (const value of values) value.writeInt32BE(newerId, 1);
  await scene.send(values);

  await scene.expectNothingYet(expect, 'schema-registry-unavailable');
  registry.comeBack();
  await scene.expectAllOnce(expect);
  await service.stop();
});

/** A minimal registry, which drops connections while it is away. */
async function startRegistry(onTestFinished: Finish) {
  const schemas: string[] = [];
  let isAway = false;
  const server = createServer(async (request, response) => {
    if (isAway) return void request.socket.destroy();
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    respond(request, response, chunks.length === 0 ? {} : JSON.parse(String(Buffer.concat(chunks))));
  });
  function respond(
    { method, url = '' }: IncomingMessage,
    response: ServerResponse,
    body: { schema?: string },
  ) {
    const say = (status: number, plain: object) => response.writeHead(status).end(JSON.stringify(plain));
    if (url.startsWith('/config/'))
      return say(200, { compatibilityLevel: 'BACKWARD_TRANSITIVE', compatibility: 'BACKWARD_TRANSITIVE' });
    // A schema is known under any subject.
    const known = schemas.indexOf(body.schema ?? '') + 1;
    if (url.endsWith('/versions')) return say(200, { id: known || schemas.push(body.schema ?? '') });
    if (method === 'POST') return known ? say(200, { id: known }) : say(404, { error_code: 40403 });
    const schema = schemas[Number(url.split('/').at(-1)) - 1];
    return schema === undefined ? say(404, { error_code: 40403 }) : say(200, { schema });
  }
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    leave: () => {
      isAway = true;
    },
    comeBack: () => {
      isAway = false;
    },
  };
}
