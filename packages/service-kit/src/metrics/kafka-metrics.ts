/** Metrics and log lines of the produce path: moving leaders are normal, but must be visible. */
import type { Logger, ProduceObserver } from '@headwater/log';
import type { Metrics } from './metrics.ts';

export function observeProducing(metrics: Metrics, logger: Logger): ProduceObserver {
  const retries = metrics.counter(
    'headwater_kafka_produce_retries_total',
    'Batches sent to Kafka again, by reason.',
    ['reason'],
  );
  const moves = metrics.counter(
    'headwater_kafka_leader_moves_total',
    'Leader changes of partitions that were written to.',
  );
  const unknown = metrics.counter(
    'headwater_kafka_unknown_commits_total',
    'Transactions with an unknown outcome, decided by opening their id again.',
  );
  const writable = metrics.gauge(
    'headwater_kafka_writable',
    '0 while a partition cannot be written to Kafka, otherwise 1.',
  );
  writable.set(1);
  return {
    retried: ({ topic, partition }, reason) => {
      retries.add(1, { reason });
      logger.debug({ topic, partition, reason }, 'retrying a produce batch');
    },
    leaderMoved: ({ topic, partition }) => {
      moves.add(1);
      logger.debug({ topic, partition }, 'partition leader changed');
    },
    commitUnknown: (reason) => {
      unknown.add(1);
      logger.warn({ reason }, 'unknown transaction outcome; replacing its producer');
    },
    writable: (isWritable) => {
      writable.set(isWritable ? 1 : 0);
      if (isWritable) logger.info({}, 'Kafka is writable again');
      else logger.warn({}, 'cannot write to a partition of Kafka; retrying');
    },
  };
}
