/** `headwater start` on the user's cluster: its output, its checks, and its clean-up. */
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findPrerequisites } from '@headwater/local-kafka';
import { createKafkaLog } from '@headwater/log';
import { createLogger } from '@headwater/service-kit';
import { afterAll, afterEach, beforeAll, describe, expect, inject, it } from 'vitest';
import { killAll, type RunningProcess, startScript, type Variables } from './processes.ts';
import { digits } from './stream-client.ts';

const brokers = inject('brokers');
let dataDir = '';

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'headwater-start-'));
});
afterEach(killAll);
afterAll(() => rm(dataDir, { recursive: true, force: true }));

function start(...args: string[]): RunningProcess {
  return startWith({ KAFKA_BROKERS: brokers.join(','), DATA_DIR: dataDir }, ...args);
}

function startWith(variables: Variables, ...args: string[]): RunningProcess {
  return startScript('cli/dist/main.js', ['start', ...args], variables);
}

async function summaryOf(run: RunningProcess): Promise<Record<string, unknown>> {
  const { code } = await run.ended;
  expect(code, run.stderr()).toBe(0);
  return JSON.parse(run.stdout().trimEnd().split('\n').at(-1) ?? '');
}

describe('headwater start', () => {
  it('loses and doubles nothing, and gives the same head for any number of partitions', async () => {
    const runs = [1, 6, 6].map((partitions) =>
      start('--images', '300', '--in-flight', '150', '--exit', '--json', '--partitions', String(partitions)),
    );
    const summaries = await Promise.all(runs.map(summaryOf));
    for (const summary of summaries) {
      expect(summary).toMatchObject({
        log: 'kafka',
        images: 300,
        vectors: 300,
        predictions: 300,
        deadLetters: 0,
        lost: 0,
        duplicates: 0,
        findings: [],
      });
      expect(summary.examples).toBe(summary.labels);
      expect(summary.examples).toBeGreaterThanOrEqual(150);
      expect(summary.headDigest).toMatch(/^[0-9a-f]{64}$/);
    }
    expect(new Set(summaries.map((summary) => summary.setDigest)).size).toBe(1);
    expect(new Set(summaries.map((summary) => summary.headDigest)).size).toBe(1);
  }, 240_000);

  it('deletes all that it created on the cluster, and ends gracefully in mid-stream', async () => {
    const run = start('--images', '60000', '--exit', '--json', '--partitions', '2');
    await expect.poll(() => run.stderr(), { timeout: 60_000 }).toMatch(/\b[1-9]\d*\/60000 images/);
    const [prefix] = /headwater-run-[0-9a-f]+-/.exec(run.stderr()) ?? [];
    const log = createKafkaLog({ brokers }, createLogger({ name: 'test', level: 'fatal' }));
    const before = await log.admin.partitions(`${prefix}images`);
    const asked = performance.now();
    run.send('SIGINT');
    const { code } = await run.ended;
    const seconds = (performance.now() - asked) / 1000;
    expect(code, run.stderr()).toBe(130);
    expect(seconds).toBeLessThan(10);
    expect(before).toBe(2);
    expect(await log.admin.partitions(`${prefix}images`)).toBeUndefined();
    expect(run.stdout()).toBe('');
    await log.close();
  });

  it('runs on a folder of the user', async () => {
    const folder = join(dataDir, 'own');
    for (const [index, { bytes, label }] of digits(40).entries()) {
      const kind = Number(label) % 2 === 0 ? 'even' : 'odd';
      await mkdir(join(folder, kind), { recursive: true });
      await writeFile(join(folder, kind, `${index}.png`), bytes);
    }
    await writeFile(join(folder, 'odd', 'notes.txt'), 'no picture at all');
    const run = start(
      folder,
      '--extractor',
      'lenet-digits.v1',
      '--task',
      'parity',
      '--exit',
      '--json',
      '--label-share',
      '1',
    );
    expect(await summaryOf(run)).toMatchObject({
      task: 'parity',
      images: 40,
      predictions: 40,
      labels: 40,
      examples: 40,
      lost: 0,
      duplicates: 0,
      refused: { 'image-type-unsupported': 1 },
    });
  });

  it('reports invalid arguments and variables', async () => {
    const runs = [
      start('--images', 'many'),
      start('--label-share', '2'),
      start('--extractor', 'none.v1', '--exit'),
      start(join(dataDir, 'nowhere'), '--exit'),
    ];
    const codes = (await Promise.all(runs.map(({ ended }) => ended))).map(({ code }) => code);
    expect(codes).toEqual([2, 2, 2, 2]);
    const words = runs.map((run) => run.stderr());
    expect(words[0]).toContain('Expected a whole number of at least 1');
    expect(words[1]).toContain('Expected a number from 0 to 1');
    expect(words[2]).toContain('lenet-digits.v1');
    expect(words[3]).toContain('cannot read the folder');
  });
});

describe('headwater start without a cluster of the user', () => {
  it.skipIf(findPrerequisites().java === undefined)(
    'starts a Kafka of its own, and ends it and its data with Ctrl-C in mid-stream',
    async () => {
      const parent = await mkdtemp(join(dataDir, 'local-'));
      const run = startWith({ DATA_DIR: parent }, '--images', '60000', '--exit');
      await expect.poll(() => run.stderr(), { timeout: 90_000 }).toMatch(/\b[1-9]\d*\/60000 images/);
      const [, port = ''] = /ready on 127\.0\.0\.1:(\d+)/.exec(run.stderr()) ?? [];
      expect([await answers(Number(port)), (await readdir(parent)).length]).toEqual([true, 1]);
      const asked = performance.now();
      run.send('SIGINT');
      const { code } = await run.ended;
      expect(code, run.stderr()).toBe(130);
      expect(performance.now() - asked).toBeLessThan(10_000);
      expect([await answers(Number(port)), await readdir(parent)]).toEqual([false, []]);
    },
  );

  const withoutJava = { PATH: '/nowhere', JAVA_HOME: '' };

  it('does not replace Kafka by an in-memory log where the run is a check', async () => {
    const run = startWith({ ...withoutJava, DATA_DIR: dataDir }, '--images', '10', '--exit', '--json');
    expect((await run.ended).code).toBe(1);
    expect(run.stderr()).toContain('--exit requires Kafka');
    expect(run.stdout()).toBe('');
  });

  it('falls back to an in-memory log without Java, with a warning, and runs until Ctrl-C', async () => {
    const folder = await mkdtemp(join(dataDir, 'memory-'));
    const run = startWith({ ...withoutJava, DATA_DIR: folder }, '--images', '80', '--json');
    await expect.poll(() => run.stderr(), { timeout: 90_000 }).toContain('press Ctrl-C to stop them');
    expect(run.stderr()).toContain('NO KAFKA');
    run.send('SIGINT');
    expect(await summaryOf(run)).toMatchObject({
      log: 'memory',
      images: 80,
      predictions: 80,
      lost: 0,
      duplicates: 0,
    });
  });
});

/** Whether the port accepts connections. */
function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' })
      .once('connect', () => {
        socket.destroy();
        resolve(true);
      })
      .once('error', () => resolve(false));
  });
}
