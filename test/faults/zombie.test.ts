/**
 * Zombies: processes that own partitions are paused during their work for longer than the session time-out,
 * and others take over. When they resume, their open transactions must be rejected, and nothing may be there
 * twice.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, inject, it } from 'vitest';
import { killAll, type ServiceProcess, startService } from '../processes.ts';
import { digits, openStreamClient, type StreamClient, streamVariables } from '../stream-client.ts';

const count = 300;
const later = 40;
const images = digits(count + later);
let folder = '';
let client: StreamClient | undefined;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'headwater-zombie-'));
});
afterEach(() => client?.close());
afterAll(async () => {
  killAll();
  await rm(folder, { recursive: true, force: true });
});

/** Small transactions in sequence, so that an owner has one open whenever it is paused. */
const variables = () => ({
  ...streamVariables(inject('brokers'), join(folder, 'first')),
  RECORDS_PER_COMMIT: '4',
  KAFKA_SESSION_TIMEOUT: '3s',
});

/** Partitions whose transaction was rejected, from the log of the process. */
function refusedLanes(owner: ServiceProcess): number[] {
  return owner
    .stderr()
    .split('\n')
    .filter((line) => line.includes('"msg":"reopening the partition') && line.endsWith('}'))
    .map((line): { code: string; partition: number } => JSON.parse(line))
    .filter(({ code }) => code === 'log-fenced')
    .map(({ partition }) => partition);
}

it('paused owners whose partitions were taken over cannot commit when they resume', {
  timeout: 100_000,
}, async () => {
  const first = variables();
  const classify = await startService('classify', first);
  const owners = [classify, await startService('extract', first)];
  const stream = await openStreamClient(first);
  client = stream;
  const untilPredicted = (wanted: number) =>
    expect
      .poll(() => stream.predictions.size, { timeout: 60_000, interval: 20 })
      .toBeGreaterThanOrEqual(wanted);
  const second = { ...first, DATA_DIR: join(folder, 'second') };
  await Promise.all([startService('classify', second), startService('extract', second)]);
  const sending = stream.sendImages(images.slice(0, count));
  await untilPredicted(20);
  for (const owner of owners) owner.send('SIGSTOP');
  expect(stream.predictions.size).toBeLessThan(count);
  const ids = await sending;
  await stream.sendLabels(new Map(ids.map((id, index) => [id, images[index]?.label ?? null])));

  await untilPredicted(count);
  for (const owner of owners) expect(refusedLanes(owner)).toEqual([]);

  for (const owner of owners) owner.send('SIGCONT');
  for (const owner of owners) {
    await expect.poll(() => refusedLanes(owner), { timeout: 30_000 }).not.toEqual([]);
  }
  await stream.sendImages(images.slice(count));
  await untilPredicted(count + later);
  await expect
    .poll(() => stream.audit(ids), { timeout: 60_000, interval: 500 })
    .toMatchObject({
      images: count + later,
      vectors: count + later,
      predictions: count + later,
      examples: count,
      lost: 0,
      duplicates: 0,
      deadLetters: 0,
    });
});
