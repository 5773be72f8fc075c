/**
 * All lanes of one member of a group, whatever the log: each assignment opens them anew (fence, read the
 * committed offsets, let the session roll its store forward, seek), each failed commit reopens its lane,
 * and an error whose verdict is to stop ends them all.
 */
import { asHeadwaterError, HeadwaterError } from '@headwater/errors';
import type { Lane, LaneSession, Lanes, LanesOptions, Log, Positions } from '../api.ts';
import { backoffMs, pauseFor, waitAtMost } from '../backoff.ts';
import type { Logger } from '../logger.ts';
import { checkPlacement } from '../topics/placement.ts';
import type { FetchedChunk, GroupMember, JoinGroup, LaneTransactions, MemberListener } from './membership.ts';
import { PartitionProgress } from './partition-progress.ts';
import { type PartitionWatch, partitionsChanged, wayOut } from './partition-watch.ts';
import { LaneWorker } from './partition-worker.ts';

const defaults = { maxRecords: 256, maxBytes: 4 * 1024 * 1024, lingerMs: 20, restMs: 0 };
const defaultSessionTimeoutMs = 30_000;
const defaultLagEveryMs = 5_000;
/** How long work may hold up its lane's next opening, when it does not heed its signal. */
const longestDropMs = 8_000;
const defaultGraceMs = 9_000;
/** Shares of the time of a graceful end: what is in flight is committed, sessions are closed, the group is left. */
const endShares = { drain: 0.6, close: 0.2, leave: 0.2 };

export interface LanesDependencies {
  readonly log: Pick<Log, 'admin' | 'read'>;
  readonly join: JoinGroup;
  readonly logger: Logger;
  /** Left out where partitions cannot be added. */
  readonly watch?: PartitionWatch;
}

/** Joins the group and works its lanes. Errors: topic-missing, topic-mismatch, log-unavailable. */
export async function openLanes(options: LanesOptions, dependencies: LanesDependencies): Promise<Lanes> {
  const { topics, dependsOn = [], placement } = options;
  const { log } = dependencies;
  const read = await countPartitions(topics, log);
  const lanes = commonCount(read);
  if (placement !== undefined) for (const topic of topics) await checkPlacement(log, topic, lanes, placement);
  const counts = new Map([...read, ...(await countPartitions(dependsOn, log))]);
  const group = new LaneGroup(options, dependencies, lanes, counts);
  await group.start();
  return group;
}

async function countPartitions(
  topics: readonly string[],
  log: Pick<Log, 'admin'>,
): Promise<Map<string, number>> {
  const counts = new Map<string, number>();
  for (const topic of topics) {
    const count = await log.admin.partitions(topic);
    if (count === undefined) throw new HeadwaterError('topic-missing', `topic ${topic} does not exist`);
    counts.set(topic, count);
  }
  return counts;
}

/** Partitions of topics that are read together must be as many. */
function commonCount(counts: ReadonlyMap<string, number>): number {
  const [first] = counts.values();
  if (first === undefined) throw new HeadwaterError('topic-missing', 'no topics to read');
  if ([...counts.values()].every((count) => count === first)) return first;
  const found = [...counts].map(([topic, count]) => `${topic} ${count}`).join(', ');
  throw new HeadwaterError(
    'topic-mismatch',
    `topics that are read together must have the same number of partitions: ${found}; ${wayOut()}`,
  );
}

/** One lane in one generation: opened, worked, reopened after failures, until it is dropped. */
interface Tenure {
  readonly lane: number;
  readonly abort: AbortController;
  worker: LaneWorker | undefined;
  /** Resolves when the lane was opened for the first time, or will not be. */
  opened: Promise<void>;
  /** Resolves when nothing of it runs any more. */
  done: Promise<void>;
}

class LaneGroup implements Lanes, MemberListener {
  readonly ready: Promise<void>;
  readonly stopped: Promise<void>;
  readonly #options: LanesOptions;
  readonly #dependencies: LanesDependencies;
  readonly #member: GroupMember;
  readonly #tenures = new Map<number, Tenure>();
  readonly #retired = new Map<number, Promise<void>>();
  /** As they were at the start, by topic. */
  readonly #counts: ReadonlyMap<string, number>;
  #unwatch: () => void = () => undefined;
  readonly #progress: PartitionProgress | undefined;
  #assigned: readonly number[] = [];
  #settleReady: (error?: HeadwaterError) => void = () => undefined;
  #settleStopped: (error?: HeadwaterError) => void = () => undefined;
  #ending: Promise<void> | undefined;

  constructor(
    options: LanesOptions,
    dependencies: LanesDependencies,
    lanes: number,
    counts: ReadonlyMap<string, number>,
  ) {
    this.#options = options;
    this.#dependencies = dependencies;
    this.#counts = counts;
    this.ready = new Promise((resolve, reject) => {
      this.#settleReady = (error) => (error === undefined ? resolve() : reject(error));
    });
    this.ready.catch(() => undefined);
    this.stopped = new Promise((resolve, reject) => {
      this.#settleStopped = (error) => (error === undefined ? resolve() : reject(error));
    });
    this.stopped.catch(() => undefined);
    const { group, topics, sessionTimeoutMs = defaultSessionTimeoutMs } = options;
    this.#progress = watchProgress(options, dependencies);
    this.#member = dependencies.join({ group, topics, lanes, sessionTimeoutMs }, this);
  }

  async start(): Promise<void> {
    await this.#member.start();
    this.#unwatch =
      this.#dependencies.watch?.watch(this.#counts, (error) => void this.#end(error)) ?? this.#unwatch;
  }

  assigned(): readonly number[] {
    return this.#assigned;
  }

  joined(lanes: readonly number[]): void {
    if (this.#ending !== undefined) return;
    const excess = this.#beyondCounts(lanes);
    if (excess !== undefined) return void this.#end(excess);
    const revoked = this.#assigned.filter((lane) => !lanes.includes(lane));
    this.#assigned = [...lanes];
    this.#retireAll();
    this.#progress?.assigned(lanes);
    if (revoked.length > 0) this.#options.observer?.revoked?.(revoked);
    this.#options.observer?.assigned?.(lanes);
    const tenures = lanes.map((lane) => this.#begin(lane));
    void Promise.all(tenures.map((tenure) => tenure.opened)).then(() => {
      if (tenures.every((tenure) => !tenure.abort.signal.aborted)) this.#settleReady();
    });
  }

  fetched(lane: number, topic: string, chunk: FetchedChunk): void {
    this.#tenures.get(lane)?.worker?.fetched(topic, chunk);
  }

  failed(error: HeadwaterError): void {
    void this.#end(error);
  }

  async close({ graceMs = defaultGraceMs }: { readonly graceMs?: number } = {}): Promise<void> {
    await this.#end(undefined, graceMs);
  }

  /** A member that started after partitions were added hands out more than this process knows. */
  #beyondCounts(lanes: readonly number[]): HeadwaterError | undefined {
    const last = Math.max(-1, ...lanes);
    const [topic = ''] = this.#options.topics;
    const count = this.#counts.get(topic) ?? Number.POSITIVE_INFINITY;
    return last < count ? undefined : partitionsChanged(topic, count, last + 1);
  }

  /** Drops the work of the former generation, without waiting for it. */
  #retireAll(): void {
    for (const tenure of this.#tenures.values()) {
      tenure.abort.abort();
      void tenure.worker?.drop();
      this.#retired.set(tenure.lane, tenure.done);
    }
    this.#tenures.clear();
  }

  #begin(lane: number): Tenure {
    const former = this.#retired.get(lane) ?? Promise.resolve();
    let settleOpened: () => void = () => undefined;
    const tenure: Tenure = {
      lane,
      abort: new AbortController(),
      worker: undefined,
      opened: new Promise((resolve) => {
        settleOpened = resolve;
      }),
      done: Promise.resolve(),
    };
    this.#tenures.set(lane, tenure);
    tenure.done = former.then(() => this.#serve(tenure, settleOpened)).finally(settleOpened);
    return tenure;
  }

  /** Opens the lane, and again after each failure that allows it. */
  async #serve(tenure: Tenure, opened: () => void): Promise<void> {
    const { signal } = tenure.abort;
    for (let failures = 0; !signal.aborted; failures += 1) {
      const began = Date.now();
      const error = await this.#serveOnce(tenure, opened).catch((thrown: unknown) =>
        asHeadwaterError(thrown),
      );
      if (error === undefined || signal.aborted) return;
      if (error.verdict !== 'retry') {
        void this.#end(error);
        return;
      }
      this.#tellReopening(tenure.lane, error);
      if (Date.now() - began > 60_000) failures = 0;
      // Whoever fenced us may be the rightful owner: our next heartbeat shall tell before we fence it in turn.
      await pauseFor(backoffMs(failures + (error.code === 'log-fenced' ? 5 : 2)), signal);
    }
  }

  #tellReopening(lane: number, error: HeadwaterError): void {
    this.#options.observer?.retried?.(lane, error);
    const fields = { group: this.#options.group, lane, code: error.code, reason: error.message };
    this.#dependencies.logger.warn(fields, 'lane will be opened again from its committed offsets');
  }

  async #serveOnce(tenure: Tenure, opened: () => void): Promise<HeadwaterError | undefined> {
    const { lane, abort } = tenure;
    this.#member.pause(lane);
    const transactions = await this.#member.openTransactions(lane, this.#options.transactionalId(lane));
    let session: LaneSession | undefined;
    try {
      const positions = await this.#member.committed(lane);
      if (abort.signal.aborted) return undefined;
      session = await this.#options.open(this.#describe(tenure, positions));
      if (abort.signal.aborted) return undefined;
      const worker = this.#work(lane, transactions, session, positions);
      tenure.worker = worker;
      worker.start();
      opened();
      const error = await worker.ended;
      await waitAtMost(longestDropMs, worker.drop());
      return error;
    } finally {
      tenure.worker = undefined;
      await transactions.close();
      await session?.close();
    }
  }

  #describe(tenure: Tenure, positions: Positions): Lane {
    const { log } = this.#dependencies;
    const index = tenure.lane;
    return {
      index,
      topics: this.#options.topics,
      positions,
      replay: ({ topic, from, to }) => log.read({ topic, partition: index, from, to }),
      wake: () => tenure.worker?.wake(),
    };
  }

  #work(
    lane: number,
    transactions: LaneTransactions,
    session: LaneSession,
    positions: Positions,
  ): LaneWorker {
    const { group, batch, inFlight = 1, idleAfterMs, deadLetterTopic, observer } = this.#options;
    return new LaneWorker({
      lane,
      group,
      limits: { ...defaults, ...batch },
      inFlight,
      idleAfterMs,
      deadLetterTopic,
      observer,
      progress: this.#progress,
      member: this.#member,
      transactions,
      session,
      positions,
    });
  }

  /** Gracefully without an error; with one, at once. */
  #end(error?: HeadwaterError, graceMs = defaultGraceMs): Promise<void> {
    this.#ending ??= this.#shutDown(error, graceMs);
    return this.#ending;
  }

  async #shutDown(error: HeadwaterError | undefined, graceMs: number): Promise<void> {
    this.#unwatch();
    const tenures = [...this.#tenures.values()];
    for (const { lane } of tenures) this.#member.pause(lane);
    if (error === undefined) {
      const drained = Promise.all(tenures.map(({ worker }) => worker?.drain()));
      await waitAtMost(endShares.drain * graceMs, drained);
    }
    this.#retireAll();
    await waitAtMost(endShares.close * graceMs, Promise.all(this.#retired.values()));
    this.#progress?.close();
    this.#options.observer?.revoked?.(this.#assigned);
    this.#assigned = [];
    const left = this.#member.leave().catch((thrown: unknown) => {
      this.#dependencies.logger.warn({ reason: String(thrown) }, 'the group could not be left in order');
    });
    await waitAtMost(endShares.leave * graceMs, left);
    this.#settleReady(error);
    this.#settleStopped(error);
  }
}

/** undefined without an observer. */
function watchProgress(
  { group, topics, observer, lagEveryMs: everyMs = defaultLagEveryMs }: LanesOptions,
  { log, logger }: LanesDependencies,
): PartitionProgress | undefined {
  if (observer === undefined) return undefined;
  return new PartitionProgress({ group, topics, observer, admin: log.admin, logger, everyMs });
}
