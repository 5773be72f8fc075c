import { randomUUID } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { createFolderBlobStore } from '@headwater/blobs';
import { classifyEnvironment, startClassify } from '@headwater/classify';
import { createKafkaLog, createNames } from '@headwater/log';
import { createFingerprintIds, openCodec, openVectorCodec } from '@headwater/schemas';
import {
  createHealth,
  createLogger,
  createMetrics,
  type Environment,
  loadConfig,
  type Service,
} from '@headwater/service-kit';
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest';
import { runProgram } from '../../program.ts';
import { Interruption } from '../../terminal/console.ts';
import { createConsoleLogger } from '../../terminal/console-logger.ts';

const extractor = 'eight.v1';
const images = 60;
const labelled = 45;

let folder: string;
const closing: (() => Promise<unknown>)[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'headwater-exchange-'));
});
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
  rmSync(folder, { recursive: true, force: true });
});

/** Topics and a data folder of its own. */
function environmentOf(name: string): Environment {
  const prefix = `${name}-${randomUUID()}.`;
  return {
    KAFKA_BROKERS: inject('brokers').join(),
    TOPIC_PREFIX: prefix,
    GROUP_PREFIX: prefix,
    TRANSACTIONAL_ID_PREFIX: prefix,
    DATA_DIR: join(folder, name),
    EXTRACTORS: extractor,
    PARTITIONS: '2',
    REPLICATION_FACTOR: '1',
    HEADS: 'lda',
  };
}

async function openCluster(environment: Environment) {
  const prefix = environment.TOPIC_PREFIX;
  const names = createNames({ topicPrefix: prefix, groupPrefix: prefix, transactionalIdPrefix: prefix });
  const logger = createLogger({ name: 'test', level: 'error' });
  const log = createKafkaLog({ brokers: inject('brokers') }, logger);
  closing.push(() => log.close());
  const blobs = createFolderBlobStore({ root: join(environment.DATA_DIR ?? '', 'blobs') });
  const clients = { log, names, schemaIds: createFingerprintIds(), blobs, logger };
  return { ...clients, metrics: createMetrics({ processDefaults: false }), health: createHealth() };
}

async function startTrainer(environment: Environment): Promise<Service> {
  const config = loadConfig(classifyEnvironment, {
    ...environment,
    HTTP_HOST: '127.0.0.1',
    HTTP_PORT: '0',
    SETTLE_AFTER_MS: '100',
  });
  const service = await startClassify(config, await openCluster(environment));
  closing.push(() => service.stop());
  return service;
}

async function teach(environment: Environment): Promise<void> {
  const { log, names, schemaIds } = await openCluster(environment);
  const shape = { dimensions: 8, elementType: 'float32', byteOrder: 'little-endian' } as const;
  const contract = { extractor, ...shape, normalization: 'none', description: 'Eight numbers.' } as const;
  const vectors = await openVectorCodec(schemaIds, contract, names.topics.vectors(extractor));
  const labels = await openCodec(schemaIds, 'LabelAssigned', names.topics.labels);
  const producer = await log.openProducer();
  for (let image = 0; image < images; image++) {
    const imageId = `image ${image}`;
    const numbers = Array.from({ length: 8 }, (_, at) => Math.sin(image * 7.3 + at * 3.1) * 0.2);
    numbers[image % 3] = 1;
    const ref = { name: 'eight', version: 'v1', digest: '00'.repeat(32) };
    const vector = Float32Array.from(numbers);
    const times = { receivedAt: 1_700_000_001_000, extractedAt: 1_700_000_001_001 };
    const record = { imageId, extractor: ref, vector, labels: {}, group: null, source: 'test', ...times };
    const value = vectors.encode(record);
    await producer.send([{ topic: names.topics.vectors(extractor), key: imageId, value }]);
    if (image >= labelled) continue;
    const label = {
      imageId,
      task: 'shape',
      label: `c${image % 3}`,
      assignedAt: 1_700_000_002_000 + image,
      annotator: 'ann',
    };
    await producer.send([{ topic: names.topics.labels, key: imageId, value: labels.encode(label) }]);
  }
  await producer.close();
}

interface Outcome {
  readonly code: number;
  readonly said: string;
  /** The last line of standard output, where it is JSON. */
  readonly json: Record<string, unknown>;
}

function headwater(environment: Environment, ...args: string[]): Promise<Outcome> {
  return headwaterUntil(new AbortController().signal, environment, ...args);
}

async function headwaterUntil(
  signal: AbortSignal,
  environment: Environment,
  ...args: string[]
): Promise<Outcome> {
  let out = '';
  let said = '';
  const write = (text: string) => {
    said += text;
    return true;
  };
  const code = await runProgram(['node', 'headwater', ...args], {
    environment,
    stdout: {
      write: (text) => {
        out += text;
      },
    },
    stderr: { write } as never,
    signal,
    createLogger: (say) => createConsoleLogger(environment, say),
  });
  const last = out.trim().split('\n').at(-1) ?? '';
  return {
    code,
    said: said + out,
    json: last.startsWith('{') && args.includes('--json') ? JSON.parse(last) : {},
  };
}

/** Until the trainer has learned all there is. */
async function sound(environment: Environment, ...args: string[]): Promise<Outcome> {
  for (const deadline = Date.now() + 60_000; ; ) {
    const outcome = await headwater(environment, 'backfill', '--task', 'shape', '--json', ...args);
    if (outcome.code === 0 && outcome.json.examples === labelled) return outcome;
    if (Date.now() > deadline) throw new Error(`not sound: ${outcome.said}`);
    await setTimeout(200);
  }
}

describe('backfill, heads and examples on Kafka', () => {
  it('rebuild the head, and carry it and its examples to another cluster', async () => {
    const here = environmentOf('here');
    const trainer = await startTrainer(here);
    await teach(here);
    const rebuilt = await sound(here, '--workers', '2');
    expect(rebuilt.json).toMatchObject({
      classes: 3,
      dimensions: 8,
      heads: [{ kind: 'lda', outcome: 'equal' }],
    });
    const anew = await sound(here, '--from', 'vectors');
    expect(anew.json).toMatchObject({ table: { equal: labelled, missing: 0, extra: 0, different: 0 } });
    expect(anew.json.setDigest).toBe(rebuilt.json.setDigest);

    const refused = await headwater(here, 'backfill', '--task', 'shape', '--publish');
    expect(refused).toMatchObject({ code: 2, said: expect.stringContaining('stop it before') });
    await trainer.stop();
    const published = await headwater(
      here,
      'backfill',
      '--task',
      'shape',
      '--kind',
      'ncm',
      '--publish',
      '--json',
    );
    expect(published).toMatchObject({ code: 0, json: { published: { ncm: 1 } } });

    const ended = AbortSignal.abort(new Interruption('SIGINT'));
    for (const args of [
      ['backfill'],
      ['backfill', '--from', 'vectors'],
      ['examples', 'export', join(folder, 'x.avro')],
    ]) {
      const outcome = await headwaterUntil(ended, here, ...args, '--task', 'shape');
      expect(outcome).toMatchObject({ code: 130 });
    }
    expect(readdirSync(folder).filter((file) => file.startsWith('x.'))).toEqual([]);

    const headFile = join(folder, 'head.json');
    expect(await headwater(here, 'heads', 'export', '--task', 'shape', '-o', headFile)).toMatchObject({
      code: 0,
    });
    const listed = await headwater(here, 'heads', 'list', '--json');
    expect((listed.json.heads as { kind: string }[]).map(({ kind }) => kind)).toContain('ncm');
    const setFile = join(folder, 'set.parquet');
    const exported = await headwater(here, 'examples', 'export', setFile, '--task', 'shape', '--json');
    expect(exported.json).toMatchObject({ examples: labelled, setDigest: rebuilt.json.setDigest });

    const there = environmentOf('there');
    await startTrainer(there);
    const stopped = await headwaterUntil(ended, there, 'examples', 'import', setFile);
    expect(stopped).toMatchObject({
      code: 130,
      said: expect.stringContaining('stopped before anything was sent'),
    });
    const first = await headwater(there, 'examples', 'import', setFile, '--json');
    expect(first).toMatchObject({
      code: 0,
      json: { vectorsSent: labelled, labelsSent: labelled, unchanged: 0 },
    });
    const again = await headwater(there, 'examples', 'import', setFile, '--json');
    expect(again).toMatchObject({ code: 0, json: { vectorsSent: 0, labelsSent: 0, unchanged: labelled } });
    const learned = await sound(there);
    expect(learned.json.setDigest).toBe(rebuilt.json.setDigest);
    const known = await headwater(there, 'heads', 'import', headFile, '--json');
    expect(known).toMatchObject({ code: 0, json: { published: false } });
    for (const environment of [here, there]) {
      expect(readdirSync(join(environment.DATA_DIR ?? '', 'backfill'))).toEqual([]);
    }
  });

  it('refuse files that were altered, and import a head where there is none', async () => {
    const here = environmentOf('here');
    const trainer = await startTrainer(here);
    await teach(here);
    await sound(here);
    await trainer.stop();
    const [headFile, setFile] = [join(folder, 'head.json'), join(folder, 'set.jsonl')];
    await headwater(here, 'heads', 'export', '--task', 'shape', '-o', headFile);
    await headwater(here, 'examples', 'export', setFile, '--task', 'shape');

    const there = environmentOf('there');
    await (await startTrainer(there)).stop();
    const imported = await headwater(there, 'heads', 'import', headFile, '--json');
    expect(imported).toMatchObject({ code: 0, json: { version: 1, published: true } });
    const shown = await headwater(there, 'heads', 'show', '--task', 'shape', '--head-version', '1', '--json');
    expect(shown.json).toMatchObject({ digest: imported.json.digest, watermark: 0, serving: null });

    const head = readFileSync(headFile, 'utf8');
    writeFileSync(headFile, head.replace('"temperature": ', '"temperature": 1'));
    const altered = await headwater(there, 'heads', 'import', headFile);
    expect(altered).toMatchObject({ code: 1, said: expect.stringContaining('head-invalid') });
    const lines = readFileSync(setFile, 'utf8').split('\n');
    writeFileSync(setFile, lines.with(3, lines[3]?.replace('"label":"c', '"label":"d') ?? '').join('\n'));
    const other = await headwater(there, 'examples', 'import', setFile);
    expect(other).toMatchObject({ code: 1, said: expect.stringContaining('set digest') });
    writeFileSync(setFile, lines.with(3, '{').join('\n'));
    const broken = await headwater(there, 'examples', 'import', setFile);
    expect(broken).toMatchObject({ code: 1, said: expect.stringContaining('line 4') });
    const missing = await headwater(there, 'examples', 'import', join(folder, 'nothing.avro'));
    expect(missing).toMatchObject({ code: 2 });
    const { log, names } = await openCluster(there);
    const sent = await log.admin.offsets(names.topics.labels);
    expect(sent.every(({ low, high }) => low === high)).toBe(true);
  });
});
