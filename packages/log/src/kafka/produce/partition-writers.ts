/** The writers of one producer, one for each partition it has written to. */
import type { TopicTable } from '../admin/topic-table.ts';
import { PartitionWriter, type PartitionWriterOptions } from './partition-writer.ts';
import { partitionName } from './protocol/produce-request.ts';
import type { Route } from './routing.ts';

interface PartitionWritersOptions
  extends Pick<PartitionWriterOptions, 'sender' | 'transactional' | 'identity' | 'identityInvalidated'> {
  readonly topics: Pick<TopicTable, 'forget'>;
}

export class PartitionWriters {
  readonly #options: PartitionWritersOptions;
  readonly #writers = new Map<string, PartitionWriter>();

  constructor(options: PartitionWritersOptions) {
    this.#options = options;
  }

  /**
   * Resolves when all records of the route are acknowledged. `deadline` in milliseconds since the epoch.
   * Errors: that of the first failed record, while others may still be in flight.
   */
  write(route: Route, deadline: number): Promise<void> {
    return new Promise((resolve, reject) => {
      let left = route.records.length;
      const acknowledged = () => {
        left -= 1;
        if (left === 0) resolve();
      };
      const queued = route.records.map((record) => ({ ...record, deadline, acknowledged, failed: reject }));
      this.#writer(route).add(queued, route.limit);
    });
  }

  /** Resolves when no record is queued or in flight. */
  async idle(): Promise<void> {
    await Promise.all([...this.#writers.values()].map((writer) => writer.idle));
  }

  #writer({ topic, partition, limit }: Route): PartitionWriter {
    const name = partitionName({ topic, partition });
    const known = this.#writers.get(name);
    if (known !== undefined) return known;
    const limitExceeded = () => this.#options.topics.forget([topic]);
    const writer = new PartitionWriter({ ...this.#options, topic, partition, limit, limitExceeded });
    this.#writers.set(name, writer);
    return writer;
  }
}
