/**
 * From a label to the first prediction by a head that has learned it, with everything running: Kafka, the three services, vectors of
 * 1,280 numbers and as many labels a second as wished. Vectors are made beforehand, as the net would take both cores for itself.
 *
 *   npm run build && npm run bench -- latency [--rate 100] [--seconds 60] [--before 1000] [--classes 10] [--heads lda] [--json]
 *
 * The first kind named serves, as all answer these vectors alike: `--heads softmax,lda` measures what a softmax that serves takes.
 * A label counts when its record is handed to Kafka; a prediction, when a reader of committed records has it; a head has
 * learned a label when its watermark lies behind that label's example.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { describeExtractor } from '@headwater/extractors';
import { startLocalKafka } from '@headwater/local-kafka';
import { createKafkaLog, createNames } from '@headwater/log';
import { createFingerprintIds, openCodec, openVectorCodec } from '@headwater/schemas';
import { createLogger } from '@headwater/service-kit';
import { describeMachine } from '../heads/machine.mjs';
import { startServices } from './services.mjs';
import { Trace } from './trace.mjs';

const { values: options } = parseArgs({
  options: {
    rate: { type: 'string', default: '100' },
    seconds: { type: 'string', default: '60' },
    before: { type: 'string', default: '1000' },
    classes: { type: 'string', default: '10' },
    heads: { type: 'string', default: 'lda' },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});
const extractor = 'efficientnet-lite0.v1';
const task = 'thing';
const say = (text) => process.stderr.write(`${text}\n`);

if (options.help) {
  say(
    'npm run bench -- latency [--rate 100] [--seconds 60] [--before 1000] [--classes 10] [--heads KINDS] [--json]',
  );
} else {
  await main();
}

async function main() {
  const folder = await mkdtemp(join(tmpdir(), 'headwater-latency-'));
  const stops = [];
  try {
    say('starting Kafka and the services');
    const kafka = await startLocalKafka({ dataDir: join(folder, 'kafka') });
    kafka.stopped.catch(() => undefined);
    stops.push(() => kafka.stop());
    const environment = { EXTRACTORS: extractor, EXTRACTOR: extractor, TASKS: task, HEADS: options.heads };
    const services = await startServices({ brokers: kafka.brokers, folder, environment });
    stops.push(() => services.stop());
    const logger = createLogger({ name: 'bench', level: 'error', destination: process.stderr });
    const log = createKafkaLog({ brokers: kafka.brokers, clientId: 'bench' }, logger);
    stops.push(() => log.close());
    tell(await measure(log, services));
  } finally {
    for (const stop of stops.reverse()) await stop();
    await rm(folder, { recursive: true, force: true });
  }
}

async function measure(log, services) {
  const ids = createFingerprintIds();
  const { topics } = createNames();
  const { contract } = describeExtractor(extractor);
  const vectorsTopic = topics.vectors(extractor);
  const codecs = {
    vectors: await openVectorCodec(ids, contract, vectorsTopic),
    labels: await openCodec(ids, 'LabelAssigned', topics.labels),
    heads: await openCodec(ids, 'HeadTrained', topics.heads),
    predictions: await openCodec(ids, 'ImageClassified', topics.predictions),
  };
  const trace = await Trace.follow(log, topics, codecs);
  const producer = await log.openProducer();
  const classes = makeClasses(Number(options.classes), contract.dimensions);
  const send = (index, labelled = true) =>
    sendOne(producer, { index, labelled, classes, topics, vectorsTopic, codecs, trace });
  const before = Number(options.before);
  for (let index = 0; index < before; index += 50) {
    await Promise.all(Array.from({ length: 50 }, (_, next) => send(index + next)));
  }
  const kinds = options.heads.split(',');
  await trace.settled(before, kinds);
  say(`${before} examples learned and settled; now ${options.rate} a second for ${options.seconds} s`);
  const total = before + Number(options.rate) * Number(options.seconds);
  const pending = [];
  const cpuBefore = services.cpuSeconds();
  const began = Date.now();
  for (let index = before; index < total; index++) {
    const due = began + ((index - before) * 1000) / Number(options.rate);
    if (due > Date.now()) await setTimeout(due - Date.now());
    pending.push(send(index));
  }
  await Promise.all(pending);
  const lastAt = Date.now();
  const cores = coresUsed(cpuBefore, services.cpuSeconds(), lastAt - began);
  const images = askOn(send, total);
  const settledAfterMs = (await trace.answeredBySettled(total)) - lastAt;
  const allSettledAfterMs = (await trace.settled(total, kinds)) - lastAt;
  await images.stop();
  await trace.close();
  return { ...trace.summary(before, lastAt), settledAfterMs, allSettledAfterMs, cores };
}

/** Share of a core of each service; Kafka and this script come on top. */
function coresUsed(before, after, milliseconds) {
  const used = ([name, seconds]) => [name, Math.round(((seconds - before[name]) * 1e5) / milliseconds) / 100];
  return Object.fromEntries(Object.entries(after).map(used));
}

/** Images without labels, so that the last heads are also seen in predictions. */
function askOn(send, from) {
  let goesOn = true;
  const run = async () => {
    for (let index = from; goesOn; index++) {
      await send(index, false);
      await setTimeout(20);
    }
  };
  const ended = run();
  return {
    stop: () => {
      goesOn = false;
      return ended;
    },
  };
}

async function sendOne(producer, { index, labelled, classes, topics, vectorsTopic, codecs, trace }) {
  const imageId = `image-${index}`;
  const own = index % classes.length;
  const [name, version] = extractor.split('.');
  const vector = classes[own].map((x) => 0.3 * x + Math.random() - 0.5);
  const now = Date.now();
  const ref = { name, version, digest: '00'.repeat(32) };
  const times = { receivedAt: now, extractedAt: now };
  const value = { imageId, extractor: ref, vector, labels: {}, group: null, source: 'bench', ...times };
  const label = { imageId, task, label: `class-${own}`, assignedAt: now, annotator: 'bench' };
  await producer.send([{ topic: vectorsTopic, key: imageId, value: codecs.vectors.encode(value) }]);
  if (!labelled) return;
  trace.labelled(index, Date.now());
  await producer.send([{ topic: topics.labels, key: imageId, value: codecs.labels.encode(label) }]);
}

function makeClasses(count, dimensions) {
  const numbers = () => Float32Array.from({ length: dimensions }, () => Math.random() - 0.5);
  return Array.from({ length: count }, numbers);
}

function tell(result) {
  const report = { bench: 'latency', options: { ...options }, machine: describeMachine(), ...result };
  process.stdout.write(`${JSON.stringify(report, undefined, options.json ? undefined : 2)}\n`);
}
