/**
 * How long the join takes until it is ready on an empty disk: vectors of 1,280 numbers that were processed before are read from
 * Kafka again, or loaded from snapshots in a folder. The vectors are produced and their offsets committed first.
 *
 *   npm run bench -- rebuild [--vectors N] [--partitions N] [--later N] [--json]
 */
import { spawn } from 'node:child_process';
import { openSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { describeExtractor } from '@headwater/extractors';
import { startLocalKafka } from '@headwater/local-kafka';
import { createKafkaLog, createNames, topicSpecs } from '@headwater/log';
import { createFingerprintIds, openVectorCodec } from '@headwater/schemas';
import { createLogger } from '@headwater/service-kit';
import { readOptions, say } from '../paired.mjs';

const usage = `npm run bench -- rebuild [options]

  --vectors N     vectors in the topic (100000)
  --partitions N  partitions of the topics (4)
  --later N       vectors that come after the snapshots (0)
  --json          one JSON object as the last line of standard output
`;
const options = readOptions(usage, {
  vectors: { type: 'string', default: '100000' },
  partitions: { type: 'string', default: '4' },
  later: { type: 'string', default: '0' },
});
const vectors = Number(options.vectors);
const later = Number(options.later);
const partitions = Number(options.partitions);
const extractor = 'efficientnet-lite0.v1';
const atOnce = 500;
const main = fileURLToPath(new URL('../../services/classify/dist/main.js', import.meta.url));

const names = createNames();
const topic = names.topics.vectors(extractor);
const folder = await mkdtemp(join(tmpdir(), 'headwater-rebuild-'));
const dataDir = join(folder, 'data');
const kafka = await startLocalKafka({ dataDir: join(folder, 'kafka') });
const log = createKafkaLog({ brokers: kafka.brokers }, createLogger({ name: 'bench', level: 'error' }));

async function createTopics() {
  const specs = topicSpecs(names, { extractors: [extractor], partitions, replicationFactor: 1 });
  await log.admin.ensureTopics(specs, { create: true });
}

/** Few vectors in turns: what they hold makes no difference, and making them would take longer than the rebuild. */
const samples = Array.from({ length: 64 }, (_, sample) => {
  const vector = new Float32Array(1_280);
  for (let entry = 0; entry < vector.length; entry++) vector[entry] = Math.sin(sample * 7.3 + entry);
  return vector;
});

async function produce(from, to) {
  const codec = await openVectorCodec(createFingerprintIds(), describeExtractor(extractor).contract, topic);
  const [name, version] = extractor.split(/\.(?=v\d+$)/);
  const producer = await log.openProducer();
  let last = Promise.resolve();
  for (let first = from; first < to; first += atOnce) {
    const records = Array.from({ length: Math.min(atOnce, to - first) }, (_, at) => {
      const imageId = `image-${first + at}`;
      const value = codec.encode({
        imageId,
        extractor: { name, version, digest: '0'.repeat(64) },
        vector: samples[(first + at) % samples.length],
        labels: {},
        group: null,
        source: 'bench',
        receivedAt: Date.now(),
        extractedAt: Date.now(),
      });
      return { topic, key: imageId, value };
    });
    await last;
    last = producer.send(records);
  }
  await last;
  await producer.close();
}

/** As if a process had processed them: what is measured is the rebuild alone. */
async function commitAll() {
  for (const input of [topic, names.topics.labels]) {
    const ends = await log.admin.offsets(input);
    await log.admin.commit(names.groups.join, input, new Map(ends.map(({ high }, index) => [index, high])));
  }
}

function start(name, environment) {
  const path = join(folder, `${name}.log`);
  const output = openSync(path, 'w');
  const env = {
    ...process.env,
    KAFKA_BROKERS: kafka.brokers.join(),
    ROLES: 'join',
    EXTRACTORS: extractor,
    DATA_DIR: dataDir,
    BLOB_STORE: join(folder, 'blobs'),
    PARTITIONS: String(partitions),
    REPLICATION_FACTOR: '1',
    ADMIN_PORT: '18091',
    LOG_FORMAT: 'json',
    ...environment,
  };
  const child = spawn(process.execPath, [main], { stdio: ['ignore', output, output], env });
  const ended = new Promise((resolve) => child.once('exit', resolve));
  const logged = () => readFileSync(path, 'utf8').split('\n').slice(0, -1).map(parsed);
  return { child, ended, logged };
}

function parsed(line) {
  try {
    return JSON.parse(line);
  } catch {
    return {};
  }
}

async function until({ child, logged }, what, isDone) {
  while (!isDone(logged())) {
    if (child.exitCode !== null)
      throw new Error(`classify ended before ${what}: ${JSON.stringify(logged().at(-1))}`);
    await sleep(100);
  }
}

/** From the first partition that begins to open to the last that is open: without the start of the process. */
function secondsOf(opened) {
  const ends = opened.map(({ time }) => Date.parse(time) || Number(time));
  const begins = opened.map(({ milliseconds }, index) => ends[index] - milliseconds);
  return (Math.max(...ends) - Math.min(...begins)) / 1_000;
}

/** Seconds until the stores are rebuilt and until the process is ready, and the most memory it had. */
async function measure(name, environment, andThen = async () => undefined) {
  const began = performance.now();
  const service = start(name, environment);
  try {
    await until(service, 'it was ready', (lines) => lines.some(({ msg }) => msg === 'ready'));
    const readySeconds = (performance.now() - began) / 1_000;
    const peakMiB = peakMemory(service.child.pid);
    const opened = service.logged().filter(({ msg }) => msg === 'partition opened');
    const more = await andThen(service);
    const loaded = opened.filter(({ snapshot }) => snapshot !== undefined).length;
    const seconds = secondsOf(opened);
    const perSecond = Math.round((vectors + later) / seconds);
    return {
      seconds: round(seconds),
      perSecond,
      readySeconds: round(readySeconds),
      peakMiB,
      loaded,
      ...more,
    };
  } finally {
    service.child.kill('SIGTERM');
    await service.ended;
  }
}

function peakMemory(pid) {
  const [, kib] = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Math.round(Number(kib) / 1_024);
}

/** Snapshots of all partitions; the memory includes what the process needed before. */
async function snapshots(service) {
  const written = (lines) => lines.filter(({ msg }) => msg === 'snapshot of a local store written');
  await until(service, 'it had written snapshots', (lines) => written(lines).length >= partitions);
  const lines = written(service.logged());
  const sum = (field) => lines.reduce((total, line) => total + line[field], 0);
  const seconds = round(sum('milliseconds') / 1_000);
  return {
    snapshots: { seconds, MiB: Math.round(sum('bytes') / 2 ** 20), peakMiB: peakMemory(service.child.pid) },
  };
}

const round = (seconds) => Number(seconds.toFixed(1));

try {
  await createTopics();
  await produce(0, vectors);
  await commitAll();
  say(`${vectors} vectors are in ${partitions} partitions`);
  const replay = await measure('replay', { STORE_SNAPSHOTS: 'off' });
  say(`replay: ${JSON.stringify(replay)}`);
  const { snapshots: written } = await measure('write', { STORE_SNAPSHOTS: '5s' }, snapshots);
  say(`snapshots: ${JSON.stringify(written)}`);
  if (later > 0) {
    await produce(vectors, vectors + later);
    await commitAll();
  }
  await rm(dataDir, { recursive: true });
  const snapshot = await measure('snapshot', { STORE_SNAPSHOTS: '1d' });
  say(`from snapshots: ${JSON.stringify(snapshot)}`);
  const faster = Number((replay.seconds / snapshot.seconds).toFixed(1));
  const summary = { vectors, later, partitions, replay, written, snapshot, faster };
  if (options.json) process.stdout.write(`${JSON.stringify(summary)}\n`);
} finally {
  await log.close();
  await kafka.stop();
  await rm(folder, { recursive: true, force: true });
}
