/** `npm run test:brokers`: the tests of delivery, on brokers of the oldest and of the newest supported version of Apache Kafka. */
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { startLocalKafka } from '@headwater/local-kafka';
import { commonHelp, commonOptions, createProgressLog, runTrial } from '../trial.ts';
import { startZooKeeperKafka } from './zookeeper-kafka.ts';

/** The oldest and the newest that are supported and tried; docs/reference/kafka.md names them. */
const usualVersions = ['2.5.1', '4.4.0'];
/** The first that runs without ZooKeeper. */
const firstWithoutZooKeeper = { major: 3, minor: 3 };
const tests = 'packages/log/src';
const root = fileURLToPath(new URL('../../', import.meta.url));

const help = `npm run test:brokers -- [options]

Fetches Apache Kafka from Maven Central in each of the versions, starts one broker (with ZooKeeper before 3.3), and runs the tests of
delivery against it: the contract of the log, partitions that are taken over, and the defects of kafkajs (${tests}).

  --versions A,B  default ${usualVersions.join(',')}
${commonHelp('all tests passed on all versions', 'a test failed')}`;

interface Options {
  readonly versions: readonly string[];
}

interface Summary {
  readonly versions: readonly {
    readonly version: string;
    readonly passed: boolean;
    readonly seconds: number;
  }[];
}

const say = createProgressLog('brokers');

/** Resolves to the exit code. */
export function main(args: readonly string[]): Promise<number> {
  const isRight = ({ versions }: Summary) => versions.every(({ passed }) => passed);
  return runTrial<Options, Summary>(
    { help, readOptions, run, isRight, formatError: ({ message }) => message },
    args,
  );
}

function readOptions(args: readonly string[]): Options | undefined {
  const { values } = parseArgs({
    args: [...args],
    options: { ...commonOptions, versions: { type: 'string' } },
  });
  if (values.help) return undefined;
  const versions = values.versions?.split(',') ?? usualVersions;
  for (const version of versions) {
    if (!/^\d+\.\d+\.\d+$/.test(version)) throw new Error(`--versions ${version}: expected e.g. 2.5.1`);
  }
  return { versions };
}

async function run({ versions }: Options, signal: AbortSignal): Promise<Summary> {
  const results: Summary['versions'][number][] = [];
  for (const version of versions) {
    const started = performance.now();
    say(`starting Apache Kafka ${version}`);
    const folder = await mkdtemp(join(tmpdir(), 'headwater-brokers-'));
    const kafka = await start(version, folder);
    try {
      const passed = await runTests(kafka.brokers, signal);
      const seconds = Math.round((performance.now() - started) / 1_000);
      say(`Apache Kafka ${version}: ${passed ? 'all tests passed' : 'a test failed'}`);
      results.push({ version, passed, seconds });
    } finally {
      await kafka.stop();
      await rm(folder, { recursive: true, force: true });
    }
  }
  return { versions: results };
}

function start(version: string, folder: string) {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const { major: firstMajor, minor: firstMinor } = firstWithoutZooKeeper;
  const hasOwnQuorum = major > firstMajor || (major === firstMajor && minor >= firstMinor);
  return hasOwnQuorum ? startLocalKafka({ version, dataDir: folder }) : startZooKeeperKafka(version, folder);
}

/** Resolves to whether they passed. What they print goes to standard error. */
function runTests(brokers: readonly string[], signal: AbortSignal): Promise<boolean> {
  const vitest = fileURLToPath(new URL('../../node_modules/vitest/vitest.mjs', import.meta.url));
  const child = spawn(process.execPath, [vitest, 'run', '--project', 'kafka', tests], {
    cwd: root,
    env: { ...process.env, KAFKA_BROKERS: brokers.join() },
    stdio: ['ignore', 2, 2],
  });
  const end = () => child.kill('SIGTERM');
  signal.addEventListener('abort', end, { once: true });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => {
      signal.removeEventListener('abort', end);
      if (signal.aborted) reject(signal.reason);
      else resolve(code === 0);
    });
  });
}
