import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, it, vi } from 'vitest';
import { createEventDelay, delayBuckets } from './event-delay.ts';
import { createMetrics } from './metrics.ts';
import { probeKafka, reportBuild, reportDisk } from './process-metrics.ts';

afterEach(() => vi.useRealTimers());

async function render(metrics: ReturnType<typeof createMetrics>): Promise<string> {
  return (await metrics.render()).body;
}

it('reports version, revision and Node.js of the build', async () => {
  const metrics = createMetrics({ processDefaults: false });
  reportBuild(metrics, 'abc');
  const labels = `version="\\d+\\.\\d+\\.\\d+",revision="abc",node="${process.versions.node}"`;
  expect(await render(metrics)).toMatch(new RegExp(`headwater_build_info\\{${labels}\\} 1`));
});

it('reports the free space of a folder that does not exist yet', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'headwater-disk-'));
  try {
    const metrics = createMetrics({ processDefaults: false });
    reportDisk(metrics, join(folder, 'not', 'yet'));
    expect(await render(metrics)).toMatch(/headwater_data_free_bytes [1-9]\d{3,}/);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

it('reports metrics where one of them cannot be measured', async () => {
  const metrics = createMetrics({ processDefaults: false });
  metrics.gauge('headwater_x', 'Help.').set(1);
  metrics.beforeRender(() => Promise.reject(new Error('no disk')));
  expect(await render(metrics)).toContain('headwater_x 1');
});

it('reports whether Kafka answers, with one request at a time', async () => {
  vi.useFakeTimers();
  const metrics = createMetrics({ processDefaults: false });
  const waiting: { resolve(): void; reject(): void }[] = [];
  const partitions = vi.fn(
    () =>
      new Promise<undefined>((resolve, reject) => {
        waiting.push({ resolve: () => resolve(undefined), reject: () => reject(new Error('away')) });
      }),
  );
  const end = probeKafka(metrics, { partitions }, { topic: 'images', everyMs: 1_000 });
  const connected = async () => Number(/^headwater_kafka_connected (\d)/m.exec(await render(metrics))?.[1]);
  expect(await connected()).toBe(0);
  waiting[0]?.resolve();
  await vi.advanceTimersByTimeAsync(0);
  expect(await connected()).toBe(1);
  await vi.advanceTimersByTimeAsync(1_000);
  expect(await connected()).toBe(1);
  await vi.advanceTimersByTimeAsync(5_000);
  expect(await connected()).toBe(0);
  expect(partitions).toHaveBeenCalledTimes(2);
  waiting[1]?.reject();
  await vi.advanceTimersByTimeAsync(1_000);
  expect(partitions).toHaveBeenCalledTimes(3);
  waiting[2]?.resolve();
  await vi.advanceTimersByTimeAsync(0);
  expect(await connected()).toBe(1);
  end();
  await vi.advanceTimersByTimeAsync(5_000);
  expect(partitions).toHaveBeenCalledTimes(3);
});

it('counts the time of an event that lies after its effect, and observes 0', async () => {
  const metrics = createMetrics({ processDefaults: false });
  const histogram = metrics.histogram('headwater_x_seconds', 'Help.', delayBuckets);
  const delay = createEventDelay(metrics, 'label', histogram);
  expect(await render(metrics)).toContain('headwater_skewed_event_times_total{event="label"} 0');
  delay.observe(1_000, 3_000);
  delay.observe(9_000, 3_000);
  const body = await render(metrics);
  expect(body).toContain('headwater_x_seconds_sum 2');
  expect(body).toContain('headwater_x_seconds_count 2');
  expect(body).toContain('headwater_skewed_event_times_total{event="label"} 1');
});
