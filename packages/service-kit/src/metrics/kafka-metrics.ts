/** What happens on the way to Kafka, as metrics and log lines: leaders that move are normal, and must be visible. */
import type { Logger, ProduceObserver } from '@headwater/log';
import type { Metrics } from './metrics.ts';

export function observeProducing(metrics: Metrics, logger: Logger): ProduceObserver {
  const retries = metrics.counter(
    'headwater_kafka_produce_retries_total',
    'Batches that were sent to Kafka again, by reason.',
    ['reason'],
  );
  const moves = metrics.counter(
    'headwater_kafka_leader_moves_total',
    'Partitions that had another leader when they were looked up again.',
  );
  const unknown = metrics.counter(
    'headwater_kafka_unknown_commits_total',
    'Transactions whose outcome was unknown until their id was opened again.',
  );
  const writable = metrics.gauge(
    'headwater_kafka_writable',
    '0 while records of some partition cannot be written to Kafka, else 1.',
  );
  writable.set(1);
  return {
    retried: ({ topic, partition }, reason) => {
      retries.add(1, { reason });
      logger.debug({ topic, partition, reason }, 'a batch is sent to Kafka again');
    },
    leaderMoved: ({ topic, partition }) => {
      moves.add(1);
      logger.debug({ topic, partition }, 'a partition has another leader');
    },
    commitUnknown: (reason) => {
      unknown.add(1);
      logger.warn({ reason }, 'the outcome of a transaction is unknown; its producer is replaced');
    },
    writable: (isWritable) => {
      writable.set(isWritable ? 1 : 0);
      if (isWritable) logger.info({}, 'Kafka can be written again');
      else logger.warn({}, 'records of a partition cannot be written to Kafka; retrying');
    },
  };
}
