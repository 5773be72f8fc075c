/**
 * How long partitions give no output when a group of classify processes changes: a join, a leave, a restart, a SIGKILL and
 * a lost node. With `--peer`, the same trials run on another checkout, on a Kafka of its own.
 *
 *   npm run bench -- rebalance [--session-timeout 30s] [--images 1000] [--rate 60] [--peer FOLDER] [--json]
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startLocalKafka } from '@headwater/local-kafka';
import { createKafkaLog, createNames } from '@headwater/log';
import { createLogger } from '@headwater/service-kit';
import { describeMachine } from '../heads/machine.mjs';
import { checkoutsOf, readOptions, say } from '../paired.mjs';
import { Feed } from './feed.mjs';
import { Outputs } from './outputs.mjs';
import { ClassifyProcess } from './processes.mjs';
import { runTrial, stable, trials } from './trials.mjs';

const usage = `npm run bench -- rebalance [options]

  --session-timeout T   KAFKA_SESSION_TIMEOUT of the processes (30s)
  --images N            labelled images before the first trial: the stores have to be rebuilt from them (1000)
  --rate N              images a second during the trials (60)
  --keep                keep the folder of data and logs
  --peer FOLDER         another checkout, built, to compare with
  --json                one JSON object as the last line of standard output
`;
const options = readOptions(usage, {
  'session-timeout': { type: 'string', default: '30s' },
  images: { type: 'string', default: '1000' },
  rate: { type: 'string', default: '60' },
  keep: { type: 'boolean', default: false },
});
const partitions = 6;
const extractor = 'efficientnet-lite0.v1';

/** @param {string} root of the checkout whose processes run */
async function measure(root) {
  const folder = await mkdtemp(join(tmpdir(), 'headwater-rebalance-'));
  const stops = [];
  try {
    const kafka = await startLocalKafka({ dataDir: join(folder, 'kafka') });
    kafka.stopped.catch(() => undefined);
    stops.push(() => kafka.stop());
    const processes = openProcesses(root, folder, kafka.brokers);
    stops.push(() => Promise.all(Object.values(processes).map((member) => member.stop('SIGKILL'))));
    const logger = createLogger({ name: 'bench', level: 'error', destination: process.stderr });
    const log = createKafkaLog({ brokers: kafka.brokers, clientId: 'bench' }, logger);
    stops.push(() => log.close());
    return await runTrials(log, processes, stops);
  } finally {
    for (const stop of stops.reverse()) await stop();
    if (options.keep) say(`data and logs: ${folder}`);
    else await rm(folder, { recursive: true, force: true });
  }
}

function openProcesses(root, folder, brokers) {
  const environment = {
    KAFKA_BROKERS: brokers.join(),
    KAFKA_SESSION_TIMEOUT: options['session-timeout'],
    EXTRACTORS: extractor,
    TASKS: 'thing',
    PARTITIONS: String(partitions),
    REPLICATION_FACTOR: '1',
    BLOB_STORE: join(folder, 'blobs'),
    HTTP_HOST: '127.0.0.1',
    HTTP_PORT: '0',
    ADMIN_HOST: '127.0.0.1',
    ADMIN_PORT: '0',
  };
  const open = (name) => new ClassifyProcess({ root, name, folder, environment });
  return { first: open('node-0'), second: open('node-1'), third: open('node-2') };
}

async function runTrials(log, processes, stops) {
  const { topics, groups } = createNames();
  await processes.first.start();
  const ownersOf = async () => {
    const { isStable, members } = await log.admin.describeGroup(groups.join);
    const owned = members.flatMap(({ id, partitions: own }) => own.map((partition) => [partition, id]));
    return new Map(isStable ? owned : []);
  };
  await stable(ownersOf, partitions, 1);
  await processes.second.start();
  await stable(ownersOf, partitions, 2);
  const feed = await Feed.open(log, { topics, extractor, task: 'thing' });
  const outputs = await Outputs.follow(log, topics.predictions, topics.vectors(extractor));
  stops.push(() => outputs.close());
  await feed.fill(Number(options.images));
  const running = feed.run(Number(options.rate));
  stops.push(() => running.stop());
  const results = {};
  for (const trial of trials) {
    results[trial.name] = await runTrial(trial, { processes, outputs, ownersOf, partitions });
    say(`  ${trial.name}: ${JSON.stringify(results[trial.name])}`);
  }
  return results;
}

const results = {};
for (const [name, root] of Object.entries(checkoutsOf(options.peer))) {
  say(`${name}:`);
  results[name] = await measure(root);
}
if (options.json) {
  const { peer: _, json: __, help: ___, ...settings } = options;
  const report = { bench: 'rebalance', options: settings, machine: describeMachine(), seconds: results };
  process.stdout.write(`${JSON.stringify(report)}\n`);
}
