/** Options of an audit. */
import type { LogRecord, ProcessorOutput } from '@headwater/log';
import type { ClassifyConfig } from '../../environment.ts';
import type { ClusterClients } from '../../model-registry/head-catalog.ts';
import type { OnProgress } from '../progress.ts';

/** Extraction as in the service, without a group. */
export interface Reprocessor {
  process(
    records: readonly LogRecord[],
    signal: AbortSignal,
  ): Promise<Pick<ProcessorOutput, 'records' | 'deadLetters'>>;
  close(): Promise<void>;
}

export interface AuditOptions {
  readonly clients: ClusterClients;
  /** EXTRACTORS, TASKS and the limits must be those of the services. */
  readonly config: ClassifyConfig;
  /** Maximum number of listed findings; all are counted. */
  readonly listed: number;
  /** Left out: read only. */
  readonly repair?: { openExtractor(extractor: string): Promise<Reprocessor> } | undefined;
  /**
   * How long a missing output may take to appear, in milliseconds: Kafka makes a transaction readable after
   * its offsets. Default 15 s; skipped before a repair, which has ended all transactions.
   */
  readonly settleMs?: number;
  readonly signal?: AbortSignal | undefined;
  readonly progress?: OnProgress | undefined;
}
