/** What the lanes of join and train tell about their work: metrics and log lines, the same for both. */
import type { LanesObserver, Logger, Metrics } from '@headwater/stream';

const secondsBuckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

export function observeLanes(role: 'join' | 'train', metrics: Metrics, logger: Logger): LanesObserver {
  const labelled = (...more: string[]) => ['role', ...more];
  const records = metrics.counter(
    'headwater_classify_records_total',
    'Records read and committed',
    labelled(),
  );
  const deadLetters = metrics.counter('headwater_classify_dead_letters_total', 'Dead letters', labelled());
  const retries = metrics.counter(
    'headwater_classify_retries_total',
    'Batches tried again',
    labelled('code'),
  );
  const seconds = metrics.histogram(
    'headwater_classify_commit_seconds',
    'Seconds to commit',
    secondsBuckets,
    labelled(),
  );
  const lanes = metrics.gauge(
    'headwater_classify_lanes',
    'Partitions that this process works on',
    labelled(),
  );
  const lag = metrics.gauge(
    'headwater_classify_lag_records',
    'Records behind the end of the log',
    labelled('topic', 'partition'),
  );
  return {
    assigned: (indexes) => {
      lanes.set(indexes.length, { role });
      logger.info({ role, partitions: indexes.join() }, 'partitions assigned');
    },
    committed: (_, batch) => {
      records.add(batch.records, { role });
      deadLetters.add(batch.deadLetters, { role });
      seconds.observe(batch.seconds, { role });
    },
    retried: (lane, error) => {
      retries.add(1, { role, code: error.code });
      logger.warn(
        { role, partition: lane, code: error.code, reason: error.message },
        'a batch will be tried again',
      );
    },
    lag: (lane, behind) => {
      for (const [topic, count] of behind) lag.set(count, { role, topic, partition: String(lane) });
    },
  };
}
