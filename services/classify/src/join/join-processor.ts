/**
 * Partition processor of the join: each batch becomes one transaction of outputs; the state is stored after
 * the commit.
 */
import { asDeadLetter } from '@headwater/errors';
import {
  type AssignedPartition,
  type DeadLetter,
  type Logger,
  type LogRecord,
  logsSteps,
  type OutgoingRecord,
  type PartitionProcessor,
  type ProcessorOutput,
} from '@headwater/log';
import { EventLoopBudget } from '../event-loop.ts';
import type { PartitionMetrics } from '../partition-metrics.ts';
import type { PartitionStore } from '../store/partition-store.ts';
import { noProgress } from '../store/rebuild-progress.ts';
import { openRestoredStore } from '../store/restored-store.ts';
import { Draft } from '../store/state.ts';
import type { StoredPartitions } from '../store/stored-partitions.ts';
import type { StoreRestoring } from '../store-restoring.ts';
import { logJoined } from './monitoring/join-log.ts';
import type { JoinMetrics } from './monitoring/join-metrics.ts';
import type { PredictionDelay } from './monitoring/prediction-delay.ts';
import { type Handled, PartitionJoin, type PartitionJoinOptions } from './partition-join.ts';
import { refusedLabelStage } from './source-labels.ts';

/** Part of the store's identity: a store of another format is rebuilt. */
const formatVersion = 1;

export interface JoinProcessorOptions extends Omit<PartitionJoinOptions, 'partition'> {
  readonly folder: string;
  readonly storeMaxAgeMs: number;
  /** Hears of each store that is opened. */
  readonly stores: StoredPartitions;
  readonly joinMetrics: JoinMetrics;
  readonly predictionDelay?: PredictionDelay;
  readonly partitionMetrics: PartitionMetrics;
  readonly restoring?: StoreRestoring;
  readonly logger: Logger;
  earliest(topic: string, partition: number): Promise<bigint>;
}

/** Identity of the stores of the join; see `PartitionStoreOptions`. */
export function joinIdentity({
  group,
  partitions,
}: Pick<JoinProcessorOptions, 'group' | 'partitions'>): string {
  return JSON.stringify(['join', formatVersion, group, partitions.inputs]);
}

/** Opens the partition's store and brings it to the committed positions. Errors: store-unavailable. */
export async function openJoinProcessor(
  options: JoinProcessorOptions,
  partition: AssignedPartition,
): Promise<PartitionProcessor> {
  const began = performance.now();
  const partitionJoin = new PartitionJoin({ ...options, partition: partition.index });
  const progress = options.restoring?.progress(partition.index) ?? noProgress;
  const { store, rolled } = await openRestoredStore({
    folder: `${options.folder}/${partition.index}`,
    identity: joinIdentity(options),
    partition,
    progress,
    snapshots: options.restoring?.snapshots,
    apply: (records, draft) => partitionJoin.replay(records, draft),
    earliest: (topic) => options.earliest(topic, partition.index),
    maxAgeMs: options.storeMaxAgeMs,
  }).finally(() => progress.end());
  const milliseconds = Math.round(performance.now() - began);
  options.logger.info(
    { role: 'join', partition: partition.index, ...rolled, milliseconds },
    'partition opened',
  );
  options.stores.opened(partition.index, store);
  options.joinMetrics.opened(partition.index, store);
  return new JoinProcessor(options, partition.index, partitionJoin, store);
}

class JoinProcessor implements PartitionProcessor {
  readonly #options: JoinProcessorOptions;
  readonly #index: number;
  readonly #partition: PartitionJoin;
  readonly #store: PartitionStore;

  constructor(options: JoinProcessorOptions, index: number, partition: PartitionJoin, store: PartitionStore) {
    this.#options = options;
    this.#index = index;
    this.#partition = partition;
    this.#store = store;
  }

  async process(records: readonly LogRecord[], signal: AbortSignal): Promise<ProcessorOutput> {
    const draft = new Draft(this.#store);
    const handled: Handled[] = [];
    const deadLetters: DeadLetter[] = [];
    const refused: DeadLetter[] = [];
    const steps: (() => void)[] | undefined = logsSteps(this.#options.logger) ? [] : undefined;
    const eventLoop = new EventLoopBudget();
    for (const record of records) {
      await eventLoop.yieldIfDue(signal);
      try {
        const one = await this.#partition.handle(record, draft, Date.now());
        handled.push(one);
        steps?.push(() => logJoined(this.#options.logger, record, one, this.#options.topics.vectors));
        refused.push(...one.refused.map(({ error }) => ({ record, stage: refusedLabelStage, error })));
      } catch (error) {
        deadLetters.push({ record, stage: 'join', error: asDeadLetter(error) });
      }
    }
    return {
      records: handled.flatMap((one): OutgoingRecord[] => one.records),
      deadLetters,
      committed: async (positions) => {
        await this.#store.write(draft.changes, positions);
        this.#options.joinMetrics.committed(this.#index, this.#store, handled);
        this.#options.predictionDelay?.committed(handled, Date.now());
        this.#reportDrifts(handled);
        for (const log of steps ?? []) log();
        this.#options.partitionMetrics.deadLettered([...deadLetters, ...refused]);
      },
    };
  }

  #reportDrifts(handled: readonly Handled[]): void {
    for (const { task, extractor, kind, verdict, isDrift } of handled.flatMap(({ novelties }) => novelties)) {
      if (!isDrift) continue;
      const { distance, threshold, mean } = verdict;
      const fields = { task, extractor, kind, partition: this.#index, distance, threshold, mean };
      this.#options.logger.warn(fields, 'novelty has risen: images differ from the learned examples');
    }
  }

  async close(): Promise<void> {
    this.#options.joinMetrics.closed(this.#index, this.#store);
    await this.#store.close();
  }
}
