/** One broker of the Kafka versions that need ZooKeeper (before 3.3), with its ZooKeeper, for as long as a test takes. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describeCluster, openLibraries, requireJava } from '@headwater/local-kafka';
import { type Child, endOf, findFreePort, startChild } from '../child-process.ts';

const startSeconds = 90;
const stopSeconds = 20;
const jvm = ['-Xmx384m', '-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC'];

export interface ZooKeeperKafka {
  readonly brokers: readonly string[];
  stop(): Promise<void>;
}

/** Errors: a process that ends, or does not answer in time; the end of its output. */
export async function startZooKeeperKafka(version: string, folder: string): Promise<ZooKeeperKafka> {
  const java = requireJava().path;
  const classes = join(await openLibraries({ version }), '*');
  await mkdir(folder, { recursive: true });
  const [zooKeeperPort, port] = [await findFreePort(), await findFreePort()];
  const start = async (name: string, main: string, settings: Readonly<Record<string, string | number>>) => {
    const file = join(folder, `${name}.properties`);
    const lines = Object.entries(settings).map(([setting, value]) => `${setting}=${value}\n`);
    await writeFile(file, lines.join(''));
    return startChild({
      command: java,
      args: [...jvm, '-cp', classes, main, file],
      logFile: join(folder, `${name}.log`),
      cwd: folder,
    });
  };
  const zooKeeper = await start('zookeeper', 'org.apache.zookeeper.server.quorum.QuorumPeerMain', {
    dataDir: join(folder, 'zookeeper'),
    clientPort: zooKeeperPort,
    clientPortAddress: '127.0.0.1',
    'admin.enableServer': 'false',
    maxClientCnxns: 0,
  });
  const kafka = await start('kafka', 'kafka.Kafka', brokerSettings(port, zooKeeperPort, folder));
  const stop = async () => {
    await kafka.stop(stopSeconds);
    await zooKeeper.stop(stopSeconds);
  };
  try {
    await untilReady(port, kafka, join(folder, 'kafka.log'));
  } catch (error) {
    await stop();
    throw error;
  }
  return { brokers: [`127.0.0.1:${port}`], stop };
}

/** As deploy/local-kafka sets up a single node: nothing is replicated, groups form at once, sessions may be short. */
function brokerSettings(port: number, zooKeeperPort: number, folder: string) {
  return {
    'broker.id': 1,
    listeners: `PLAINTEXT://127.0.0.1:${port}`,
    'zookeeper.connect': `127.0.0.1:${zooKeeperPort}`,
    'zookeeper.connection.timeout.ms': 60_000,
    'log.dirs': join(folder, 'data'),
    'offsets.topic.replication.factor': 1,
    'offsets.topic.num.partitions': 8,
    'transaction.state.log.replication.factor': 1,
    'transaction.state.log.min.isr': 1,
    'transaction.state.log.num.partitions': 8,
    'transaction.abort.timed.out.transaction.cleanup.interval.ms': 1_000,
    'auto.create.topics.enable': 'false',
    'group.initial.rebalance.delay.ms': 0,
    'group.min.session.timeout.ms': 1_000,
    'log.cleaner.dedupe.buffer.size': 16_777_216,
    'log.cleaner.backoff.ms': 1_000,
  };
}

async function untilReady(port: number, kafka: Child, logFile: string): Promise<void> {
  let hasEnded = false;
  kafka.exited.then(
    () => (hasEnded = true),
    () => (hasEnded = true),
  );
  const deadline = performance.now() + startSeconds * 1_000;
  for (;;) {
    const state = await describeCluster(port, []).catch(() => undefined);
    if (state?.brokers.length === 1) return;
    if (hasEnded || performance.now() > deadline) throw new Error(`Kafka did not start:\n${endOf(logFile)}`);
    await sleep(200);
  }
}
