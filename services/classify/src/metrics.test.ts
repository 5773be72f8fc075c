import { createMemoryLog } from '@headwater/log';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { ClassifyFixture, eventually, vectorOf } from './testing/classify-fixture.ts';

let fixture: ClassifyFixture;
beforeEach(async () => {
  fixture = await ClassifyFixture.open({ log: createMemoryLog(), partitions: 1 });
});
afterEach(() => fixture.close());

/** The value of a series; undefined where there is none. */
async function read(series: string): Promise<number | undefined> {
  const { body } = await fixture.metrics.render();
  const line = body.split('\n').find((one) => one.startsWith(`${series} `));
  return line === undefined ? undefined : Number(line.slice(series.length + 1));
}

it('measures images to their predictions, and labels to the head that has learned them', async () => {
  await fixture.start();
  for (let image = 0; image < 9; image++) {
    await fixture.sendVector(`i${image}`, vectorOf(image % 3, image), { receivedAt: Date.now() - 20_000 });
    await fixture.sendLabel(`i${image}`, `c${image % 3}`, { assignedAt: Date.now() - 40_000 });
  }
  await fixture.settled(9);
  await eventually(async () => (await read('headwater_label_to_head_seconds_count')) === 9);
  await eventually(async () => (await read('headwater_image_to_prediction_seconds_count')) === 9);
  expect(await read('headwater_image_to_prediction_seconds_bucket{le="10"}')).toBe(0);
  expect(await read('headwater_label_to_head_seconds_bucket{le="30"}')).toBe(0);
  expect(await read('headwater_skewed_event_times_total{event="image"}')).toBe(0);
  const [extractor] = fixture.extractors;
  expect(await read(`headwater_examples_unlearned{task="digit",extractor="${extractor}",kind="lda"}`)).toBe(
    0,
  );
});

it('counts an image of a clock that is ahead, and measures nothing below zero', async () => {
  await fixture.start();
  await fixture.sendVector('i1', vectorOf(1, 1), { receivedAt: Date.now() + 60_000 });
  await eventually(async () => (await read('headwater_image_to_prediction_seconds_count')) === 1);
  expect(await read('headwater_image_to_prediction_seconds_sum')).toBe(0);
  expect(await read('headwater_skewed_event_times_total{event="image"}')).toBe(1);
});

it('counts rebalances, and measures the local stores', async () => {
  await fixture.start();
  for (const role of ['join', 'train']) {
    await eventually(async () => Number(await read(`headwater_classify_store_bytes{role="${role}"}`)) > 0);
    expect(await read(`headwater_classify_rebalances_total{role="${role}"}`)).toBe(1);
  }
});
