import { expect, test } from 'vitest';
import { createMetrics } from './metrics.ts';

test('counts, sets and observes, with labels', async () => {
  const metrics = createMetrics({ processDefaults: false });
  const counter = metrics.counter('headwater_images_total', 'Images.', ['source']);
  counter.add(2, { source: 'http' });
  metrics.counter('headwater_images_total', 'Images.', ['source']).add(1, { source: 'http' });
  metrics.gauge('headwater_lag_records', 'Lag.').set(7);
  metrics.histogram('headwater_extract_seconds', 'Time.', [0.1, 1]).observe(0.5);
  const { body, contentType } = await metrics.render();
  expect(contentType).toContain('text/plain');
  expect(body).toContain('headwater_images_total{source="http"} 3');
  expect(body).toContain('headwater_lag_records 7');
  expect(body).toContain('headwater_extract_seconds_bucket{le="1"} 1');
  expect(body).not.toContain('process_cpu');
});

test('keeps process and event-loop metrics separately for each service', async () => {
  const [one, other] = [createMetrics(), createMetrics()];
  one.counter('headwater_one_total', 'One.').add(1);
  const [first, second] = await Promise.all([one.render(), other.render()]);
  for (const { body } of [first, second]) {
    expect(body).toContain('process_cpu_user_seconds_total');
    expect(body).toContain('nodejs_eventloop_lag_p99_seconds');
  }
  expect(second.body).not.toContain('headwater_one_total');
});

test('rejects two definitions of one name', () => {
  const metrics = createMetrics({ processDefaults: false });
  metrics.counter('headwater_x_total', 'X.', ['a']);
  expect(() => metrics.gauge('headwater_x_total', 'X.')).toThrow(/exists as counter\(a\)/);
  expect(() => metrics.counter('headwater_x_total', 'X.', ['b'])).toThrow(/not counter\(b\)/);
});

test('does not report a removed series', async () => {
  const metrics = createMetrics({ processDefaults: false });
  const gauge = metrics.gauge('headwater_gone', 'Help.', ['partition']);
  for (const partition of ['0', '1']) gauge.set(7, { partition });
  gauge.remove({ partition: '0' });
  gauge.remove({ partition: '9' });
  const { body } = await metrics.render();
  expect(body).not.toContain('partition="0"');
  expect(body).toContain('headwater_gone{partition="1"} 7');
});

test('reports a renamed metric under its former name, too', async () => {
  const metrics = createMetrics({ processDefaults: false });
  metrics.gauge('headwater_classify_partitions', 'Help.', ['role']).set(3, { role: 'join' });
  metrics.counter('headwater_extract_decoder_crashes_total', 'Help.').add(2);
  const { body } = await metrics.render();
  for (const name of ['partitions', 'lanes'])
    expect(body).toContain(`headwater_classify_${name}{role="join"} 3`);
  for (const name of ['crashes', 'deaths'])
    expect(body).toContain(`headwater_extract_decoder_${name}_total 2`);
});
