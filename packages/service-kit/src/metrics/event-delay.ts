/** Seconds between an event and its effect, where the time of the event was written by another clock. */
import type { Histogram, Metrics } from './metrics.ts';

/** From tenths of a second to minutes. */
export const delayBuckets: readonly number[] = [
  0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1_800,
];

interface EventDelay {
  /** Times in milliseconds since the epoch. An event that seems to come after its effect counts as 0. */
  observe(from: number, to: number): void;
}

export function createEventDelay(
  metrics: Metrics,
  event: 'image' | 'label',
  histogram: Histogram,
): EventDelay {
  const skewed = metrics.counter(
    'headwater_skewed_event_times_total',
    'Times of events that lie after their effect, because clocks differ; the histograms count them as 0.',
    ['event'],
  );
  skewed.add(0, { event });
  return {
    observe(from, to) {
      if (from > to) skewed.add(1, { event });
      histogram.observe(Math.max(0, to - from) / 1_000);
    },
  };
}
