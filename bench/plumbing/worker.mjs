/**
 * One measurement in a process of its own: the log of the checkout that ROOT names, on the brokers that BROKERS names. Prints one JSON
 * object: records a second and CPU milliseconds a record of this process, for producing and for copying in transactions.
 */
import { randomBytes, randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';

const { ROOT = '', BROKERS = '', RECORDS = '6000' } = process.env;
// Before 0.1.0 the package was called stream, and partition groups were called lanes.
const folder = existsSync(`${ROOT}/packages/log`) ? 'log' : 'stream';
const { createKafkaLog } = await import(pathToFileURL(`${ROOT}/packages/${folder}/dist/index.js`).href);
const records = Number(RECORDS);
const partitions = 4;
const callers = 64;
const large = randomBytes(20_000);
const small = randomBytes(5_000);

const ignore = () => undefined;
const levels = { trace: ignore, debug: ignore, info: ignore, warn: ignore, error: ignore, fatal: ignore };
const logger = { ...levels, child: () => logger };
const log = createKafkaLog({ brokers: BROKERS.split(',') }, logger);

async function createTopic() {
  const name = `plumbing-${randomUUID()}`;
  await log.admin.ensureTopics([{ name, partitions, settings: {} }], { create: true });
  return name;
}

/** Runs `work`, which handles `records` records. */
async function measure(work) {
  const cpu = process.cpuUsage();
  const began = performance.now();
  await work();
  const seconds = (performance.now() - began) / 1_000;
  const { user, system } = process.cpuUsage(cpu);
  return { perSecond: records / seconds, cpuMs: (user + system) / 1_000 / records };
}

async function produce(topic, value) {
  const producer = await log.openProducer();
  let next = 0;
  const call = async () => {
    while (next < records) {
      const key = `image-${next++}`;
      await producer.send([{ topic, key, value }]);
    }
  };
  await Promise.all(Array.from({ length: callers }, call));
  await producer.close();
}

async function copy(input, output) {
  let committed = 0;
  const group = `plumbing-${randomUUID()}`;
  const open = (log.openPartitionGroup ?? log.openLanes).bind(log);
  const partitionGroup = await open({
    group,
    topics: [input],
    batch: { maxRecords: 64 },
    inFlight: 2,
    transactionalId: (partition) => `${group}-${partition}`,
    deadLetterTopic: (topic) => `${topic}-dlt`,
    observer: {
      committed: (_partition, batch) => {
        committed += batch.records;
      },
    },
    open: async () => ({
      process: async (batch) => ({
        records: batch.map((cause) => ({ topic: output, key: cause.key, value: small, cause })),
        deadLetters: [],
      }),
      close: ignore,
    }),
  });
  while (committed < records) await sleep(5);
  await partitionGroup.close();
}

const [input, output] = [await createTopic(), await createTopic()];
const produced = await measure(() => produce(input, large));
const copied = await measure(() => copy(input, output));
await log.admin.deleteTopics([input, output]);
await log.close();
process.stdout.write(`${JSON.stringify({ produced, copied })}\n`);
