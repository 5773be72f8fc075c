/** The join as a session of a lane: batches in, one transaction's worth of outputs out, state written after the commit. */
import { HeadwaterError } from '@headwater/errors';
import type {
  DeadLetter,
  Lane,
  LaneOutput,
  LaneSession,
  Logger,
  LogRecord,
  OutgoingRecord,
} from '@headwater/log';
import { Breath } from '../event-loop.ts';
import type { LanesBoard } from '../partition-metrics.ts';
import { openCurrentStore } from '../store/current-store.ts';
import type { LaneStore } from '../store/partition-store.ts';
import { Draft } from '../store/state.ts';
import { type Handled, JoinLane, type JoinLaneOptions } from './join-partition.ts';
import type { JoinBoard } from './monitoring/join-metrics.ts';
import { refusedLabelStage } from './source-labels.ts';

/** Part of the store's identity: a store of another format is rebuilt. */
const formatVersion = 1;

export interface JoinSessionOptions extends Omit<JoinLaneOptions, 'lane'> {
  readonly folder: string;
  readonly storeMaxAgeMs: number;
  readonly board: JoinBoard;
  readonly lanes: LanesBoard;
  readonly logger: Logger;
  earliest(topic: string, partition: number): Promise<bigint>;
}

/** Opens the lane's store and brings it to the committed positions. Errors: store-unavailable. */
export async function openJoinSession(options: JoinSessionOptions, lane: Lane): Promise<LaneSession> {
  const identity = JSON.stringify(['join', formatVersion, options.group, options.partitions.lanes]);
  const joinLane = new JoinLane({ ...options, lane: lane.index });
  const { store, rolled } = await openCurrentStore({
    folder: `${options.folder}/${lane.index}`,
    identity,
    lane,
    apply: (records, draft) => joinLane.replay(records, draft),
    earliest: (topic) => options.earliest(topic, lane.index),
    maxAgeMs: options.storeMaxAgeMs,
  });
  options.logger.info({ role: 'join', lane: lane.index, ...rolled }, 'lane opened');
  options.board.opened(lane.index, store);
  return new JoinSession(options, lane.index, joinLane, store);
}

class JoinSession implements LaneSession {
  readonly #options: JoinSessionOptions;
  readonly #index: number;
  readonly #lane: JoinLane;
  readonly #store: LaneStore;

  constructor(options: JoinSessionOptions, index: number, lane: JoinLane, store: LaneStore) {
    this.#options = options;
    this.#index = index;
    this.#lane = lane;
    this.#store = store;
  }

  async process(records: readonly LogRecord[], signal: AbortSignal): Promise<LaneOutput> {
    const draft = new Draft(this.#store);
    const handled: Handled[] = [];
    const deadLetters: DeadLetter[] = [];
    const refused: DeadLetter[] = [];
    const breath = new Breath();
    for (const record of records) {
      await breath.take(signal);
      try {
        const one = await this.#lane.handle(record, draft, Date.now());
        handled.push(one);
        refused.push(...one.refused.map(({ error }) => ({ record, stage: refusedLabelStage, error })));
      } catch (error) {
        deadLetters.push({ record, stage: 'join', error: deadLetterOf(error) });
      }
    }
    return {
      records: handled.flatMap((one): OutgoingRecord[] => one.records),
      deadLetters,
      committed: async (positions) => {
        await this.#store.write(draft.changes, positions);
        this.#options.board.committed(this.#index, this.#store, handled);
        this.#tellDrifts(handled);
        this.#options.lanes.deadLettered([...deadLetters, ...refused]);
      },
    };
  }

  #tellDrifts(handled: readonly Handled[]): void {
    for (const { task, extractor, kind, verdict, isDrift } of handled.flatMap(({ novelties }) => novelties)) {
      if (!isDrift) continue;
      const { distance, threshold, mean } = verdict;
      const fields = { task, extractor, kind, lane: this.#index, distance, threshold, mean };
      this.#options.logger.warn(fields, 'images look newer than what was learned');
    }
  }

  async close(): Promise<void> {
    this.#options.board.closed(this.#index, this.#store);
    await this.#store.close();
  }
}

/** What is not the record's own fault goes up, to be retried or to stop the lane. */
function deadLetterOf(error: unknown): HeadwaterError {
  if (error instanceof HeadwaterError && error.verdict === 'dead-letter') return error;
  throw error;
}
