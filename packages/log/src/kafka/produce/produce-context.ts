/** Dependencies and limits that a producer gets from its log. */
import type { TopicTable } from '../admin/topic-table.ts';
import type { ProduceObserver } from '../options.ts';
import type { ClusterView } from './cluster-view.ts';
import type { Connections } from './connections.ts';
import type { WriteState } from './write-state.ts';

export interface ProduceContext {
  readonly topics: Pick<TopicTable, 'shapes' | 'forget'>;
  readonly view: ClusterView;
  /** Used only by this producer: a broker processes one request of a connection at a time. */
  readonly connections: Connections;
  readonly writes: WriteState;
  readonly observer: ProduceObserver;
  /** Largest batch in bytes. */
  readonly maxBatchBytes: number;
  /** Time limit for the acknowledgement of a record. */
  readonly deliverMs: number;
  /** Time that a broker waits for its replicas; then the batch is sent again. */
  readonly acknowledgeMs: number;
  /** The broker aborts longer transactions. */
  readonly transactionTimeoutMs: number;
}
