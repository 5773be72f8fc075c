/** What a producer needs of the log that it belongs to. */

import type { TopicTable } from '../admin/topic-table.ts';
import type { ProduceObserver } from '../options.ts';
import type { ClusterView } from './cluster-view.ts';
import type { Connections } from './connections.ts';
import type { WriteState } from './write-state.ts';

export interface ProduceContext {
  readonly topics: Pick<TopicTable, 'shapes' | 'forget'>;
  readonly view: ClusterView;
  /** Of this producer alone: a broker works on one request of a connection at a time. */
  readonly connections: Connections;
  readonly writes: WriteState;
  readonly observer: ProduceObserver;
  /** Bytes of a batch, at most. */
  readonly maxBatchBytes: number;
  /** What is not acknowledged after so long is given up. */
  readonly deliverMs: number;
  /** A broker waits for its replicas for so long; then the batch is sent again. */
  readonly acknowledgeMs: number;
  /** The broker aborts a transaction that takes longer. */
  readonly transactionTimeoutMs: number;
}
