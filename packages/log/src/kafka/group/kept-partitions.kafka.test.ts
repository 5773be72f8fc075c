/** Partitions that stay with their process go on committing while the group rebalances, in both of its states. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import {
  createLatch,
  createTopic,
  eventually,
  numbered,
  produce,
  readAll,
  sourceOffsets,
  uniqueName,
} from '@headwater/testing';
import { describe, expect, inject, it, type TestContext } from 'vitest';
import type { Log } from '../../api.ts';
import { createSilentLogger } from '../../silent-logger.ts';
import { KafkaClient } from '../client/client.ts';
import type { Admin } from '../client/kafkajs.ts';
import { createKafkaLog } from '../kafka-log.ts';
import { assignerName, createPartitionAssigner } from './partition-assigner.ts';

const copier = fileURLToPath(new URL('partition-copier.mjs', import.meta.url));
/** Long, so that a slow machine expels no member. */
const sessionTimeoutMs = 60_000;

type Finish = TestContext['onTestFinished'];

interface Fixture {
  readonly log: Log;
  readonly client: KafkaClient;
  readonly admin: Admin;
  readonly names: { readonly GROUP: string; readonly INPUT: string; readonly OUTPUT: string };
  readonly onTestFinished: Finish;
}

async function setUp(onTestFinished: Finish): Promise<Fixture> {
  const options = { brokers: inject('brokers') };
  const log = createKafkaLog(options, createSilentLogger());
  onTestFinished(() => log.close());
  const client = new KafkaClient(options, createSilentLogger());
  const admin = client.admin();
  await admin.connect();
  onTestFinished(() => admin.disconnect());
  const names = {
    GROUP: uniqueName('group'),
    INPUT: await createTopic(log, 4),
    OUTPUT: await createTopic(log, 2),
  };
  return { log, client, admin, names, onTestFinished };
}

/** A process, and what it reports. */
class Copier {
  readonly #child: ChildProcess;
  readonly #lines: string[] = [];

  constructor({ names, onTestFinished }: Fixture) {
    const settings = { SESSION_TIMEOUT_MS: String(sessionTimeoutMs), REPORT: '1' };
    this.#child = spawn(process.execPath, [copier], {
      env: { ...process.env, ...names, ...settings, BROKERS: inject('brokers').join(',') },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    if (this.#child.stdout !== null)
      createInterface(this.#child.stdout).on('line', (line) => this.#lines.push(line));
    onTestFinished(() => this.stop('SIGKILL'));
  }

  /** Partitions of the last assignment. */
  get assigned(): readonly number[] {
    const last = this.#lines.findLast((line) => line.startsWith('assigned'));
    return (last?.split(' ')[1] ?? '').split(',').filter(Boolean).map(Number);
  }

  get isReady(): boolean {
    return this.#lines.includes('ready');
  }

  count(line: string): number {
    return this.#lines.filter((other) => other === line).length;
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  async stop(signal: NodeJS.Signals): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exited = once(this.#child, 'exit');
    this.#child.kill(signal);
    await exited;
  }
}

async function stateOf({ admin, names }: Fixture): Promise<string | undefined> {
  return (await admin.describeGroups([names.GROUP])).groups[0]?.state;
}

/** Produces records, and waits until these partitions have committed theirs; the group must rebalance all the time. */
async function expectCommits(fixture: Fixture, state: string, partitions: readonly number[]): Promise<void> {
  const { log, names } = fixture;
  await eventually(async () => (await stateOf(fixture)) === state);
  const records = partitions.flatMap((partition) =>
    Array.from({ length: 20 }, (_, index) => ({
      topic: names.INPUT,
      partition,
      key: String(index),
      value: Buffer.from('v'),
    })),
  );
  await produce(log, records);
  const ends = await log.admin.offsets(names.INPUT);
  await eventually(async () => {
    const committed = await log.admin.committed(names.GROUP, names.INPUT);
    return partitions.every((partition) => committed[partition] === ends[partition]?.high);
  });
  expect(await stateOf(fixture)).toBe(state);
}

async function expectEachOnce({ log, names }: Fixture): Promise<void> {
  const inputs = await readAll(log, names.INPUT);
  await eventually(async () => (await readAll(log, names.OUTPUT)).length >= inputs.length);
  const sources = inputs.map(({ partition, offset }) => `${partition}/${String(offset).padStart(8, '0')}`);
  expect(sourceOffsets(await readAll(log, names.OUTPUT))).toEqual(sources.sort());
}

function expectOpenedOnce(process: Copier, partitions: readonly number[]): void {
  for (const partition of partitions) {
    expect(process.count(`open ${partition}`)).toBe(1);
    expect(process.count(`close ${partition}`)).toBe(0);
  }
}

describe.concurrent('partitions that stay', { timeout: 100_000 }, () => {
  it('go on committing while a join waits for a member that does not respond', async ({ onTestFinished }) => {
    const fixture = await setUp(onTestFinished);
    const { log, names } = fixture;
    await produce(log, numbered(names.INPUT, 200));
    const [first, second] = [new Copier(fixture), new Copier(fixture)];
    await eventually(() => first.assigned.length === 2 && second.assigned.length === 2);
    const kept = first.assigned;
    await eventually(() => first.isReady && second.isReady);
    second.signal('SIGSTOP');
    const third = new Copier(fixture);
    await expectCommits(fixture, 'PreparingRebalance', kept);
    second.signal('SIGCONT');
    await eventually(() => third.isReady);
    await produce(log, numbered(names.INPUT, 200, 200));
    await third.stop('SIGTERM');
    await eventually(() => first.assigned.length + second.assigned.length === 4);
    await expectEachOnce(fixture);
    // The first one, as the leader, may have given up one of its partitions to the third.
    const stayed = kept.filter((partition) => first.count(`close ${partition}`) === 0);
    expect(stayed.length).toBeGreaterThanOrEqual(1);
    expectOpenedOnce(first, stayed);
  });

  it('go on committing while the leader delays the assignment', async ({ onTestFinished }) => {
    const fixture = await setUp(onTestFinished);
    const { log, client, names } = fixture;
    let gate = createLatch();
    gate.open();
    const assigner = createPartitionAssigner(4, () => ({ former: [0, 1] }));
    const leader = client.consumer({
      group: names.GROUP,
      sessionTimeoutMs,
      assignerName,
      assigner: {
        ...assigner,
        assign: async (group) => {
          await gate.opened;
          return assigner.assign(group);
        },
      },
      mayRestart: () => false,
    });
    onTestFinished(() => leader.disconnect());
    const joined = new Promise((resolve) => {
      leader.on(leader.events.GROUP_JOIN, resolve);
    });
    await leader.connect();
    await leader.subscribe({ topics: [names.INPUT] });
    await leader.run({ autoCommit: false, eachBatch: async () => undefined });
    leader.pause([{ topic: names.INPUT }]);
    await joined;
    const first = new Copier(fixture);
    await eventually(() => first.isReady && first.assigned.length === 2);
    const before = first.assigned;
    gate = createLatch();
    const second = new Copier(fixture);
    await expectCommits(fixture, 'CompletingRebalance', before);
    gate.open();
    await eventually(() => second.isReady);
    await leader.disconnect();
    await produce(log, numbered(names.INPUT, 200));
    await expectEachOnce(fixture);
    const stayed = before.filter((partition) => first.count(`close ${partition}`) === 0);
    expect(stayed.length).toBeGreaterThanOrEqual(1);
    expectOpenedOnce(first, stayed);
  });
});
