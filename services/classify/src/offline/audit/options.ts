/** What an audit is given. */
import type { LogRecord, ProcessorOutput } from '@headwater/log';
import type { ClassifyConfig } from '../../environment.ts';
import type { ClusterClients } from '../../model-registry/head-catalog.ts';
import type { OnProgress } from '../progress.ts';

/** Extraction as the service does it, without a group. */
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
  /** How many findings are listed; all are counted. */
  readonly listed: number;
  /** Left out: nothing is written. */
  readonly repair?: { openExtractor(extractor: string): Promise<Reprocessor> } | undefined;
  /**
   * How long what seems to be missing may take to appear, in milliseconds: Kafka makes a transaction readable a moment after its offsets.
   * Default 15 s; not waited for before a repair, which has ended all transactions.
   */
  readonly settleMs?: number;
  readonly signal?: AbortSignal | undefined;
  readonly progress?: OnProgress | undefined;
}
