/** Metrics and log lines of the partitions of join and train. */
import { type DeadLetter, deadLetterFields, type Logger, type PartitionObserver } from '@headwater/log';
import { parseCompositeKey } from '@headwater/schemas';
import type { Metrics } from '@headwater/service-kit';

const secondsBuckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

export type PartitionRole = 'join' | 'train';

export class PartitionMetrics {
  /** Receives the events of the partitions. */
  readonly observer: PartitionObserver;
  readonly #role: PartitionRole;
  readonly #topics: readonly string[];
  readonly #logger: Logger;
  readonly #metrics: ReturnType<typeof registerPartitionMetrics>;

  /** `topics`: the inputs of the role. */
  constructor(role: PartitionRole, topics: readonly string[], metrics: Metrics, logger: Logger) {
    this.#role = role;
    this.#topics = topics;
    this.#logger = logger;
    this.#metrics = registerPartitionMetrics(metrics);
    this.observer = this.#observe();
  }

  /** Records were committed as dead letters. */
  deadLettered(deadLetters: readonly DeadLetter[]): void {
    const role = this.#role;
    for (const deadLetter of deadLetters) {
      this.#metrics.deadLetters.add(1, { role, code: deadLetter.error.code });
      const imageId = role === 'train' ? imageOfExample(deadLetter.record.key) : undefined;
      this.#logger.warn(deadLetterFields(deadLetter, imageId), 'record moved to the dead-letter topic');
    }
  }

  #observe(): PartitionObserver {
    const { records, seconds, assigned, lag, stalled, retries } = this.#metrics;
    const role = this.#role;
    return {
      assigned: (indexes) => {
        assigned.set(indexes.length, { role });
        this.#metrics.rebalances.add(1, { role });
        this.#logger.info({ role, partitions: indexes.join() }, 'partitions assigned');
      },
      revoked: (indexes) => {
        for (const partition of indexes.map(String)) {
          for (const topic of this.#topics) lag.remove({ role, topic, partition });
          stalled.remove({ role, partition });
        }
      },
      committed: (_, batch) => {
        records.add(batch.records, { role });
        seconds.observe(batch.seconds, { role });
      },
      retried: (partition, error) => {
        retries.add(1, { role, code: error.code });
        const fields = { role, partition: partition, code: error.code, reason: error.message };
        this.#logger.warn(fields, 'retrying a batch');
      },
      lag: (partition, behind) => {
        for (const [topic, count] of behind) lag.set(count, { role, topic, partition: String(partition) });
      },
      stalled: (partition, time) => stalled.set(time, { role, partition: String(partition) }),
    };
  }
}

/** Undefined where the key is invalid. */
function imageOfExample(key: Buffer | null): string | undefined {
  try {
    return parseCompositeKey(key?.toString('utf8') ?? '')[2];
  } catch {
    return undefined;
  }
}

function registerPartitionMetrics(metrics: Metrics) {
  return {
    records: metrics.counter('headwater_classify_records_total', 'Records read and committed', ['role']),
    deadLetters: metrics.counter('headwater_classify_dead_letters_total', 'Dead letters, by error code', [
      'role',
      'code',
    ]),
    retries: metrics.counter('headwater_classify_retries_total', 'Batches tried again, by error code', [
      'role',
      'code',
    ]),
    seconds: metrics.histogram(
      'headwater_classify_commit_seconds',
      'Seconds to commit a batch',
      secondsBuckets,
      ['role'],
    ),
    assigned: metrics.gauge('headwater_classify_partitions', 'Partitions that this process works on', [
      'role',
    ]),
    rebalances: metrics.counter(
      'headwater_classify_rebalances_total',
      'Assignments of partitions to this process, one for each rebalance',
      ['role'],
    ),
    stalled: metrics.gauge(
      'headwater_classify_partition_stalled_seconds',
      'Time since a partition that is behind last committed something; 0 where it is not behind. Alert on minutes of it',
      ['role', 'partition'],
    ),
    lag: metrics.gauge('headwater_classify_lag_records', 'Records behind the end of the log', [
      'role',
      'topic',
      'partition',
    ]),
  };
}
