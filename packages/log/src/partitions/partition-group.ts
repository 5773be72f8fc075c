/**
 * All partitions of one group member, for any log. An assignment opens its partition (fence, read committed
 * offsets, roll the processor's store forward, seek), and lasts while each next generation assigns the partition
 * to this member again. A failed commit reopens its partition; an error whose verdict is to stop ends the group.
 */
import { asHeadwaterError, HeadwaterError } from '@headwater/errors';
import type {
  AssignedPartition,
  Log,
  PartitionGroup,
  PartitionGroupOptions,
  PartitionProcessor,
  Positions,
} from '../api.ts';
import { backoffMs, pauseFor, waitAtMost } from '../backoff.ts';
import type { Logger } from '../logger.ts';
import { checkPlacement } from '../topics/placement.ts';
import type {
  FetchedChunk,
  GroupMember,
  JoinGroup,
  MemberListener,
  PartitionTransactions,
} from './membership.ts';
import { PartitionProgress } from './partition-progress.ts';
import { type PartitionWatch, partitionsChanged, repartitionRemedy } from './partition-watch.ts';
import { PartitionWorker } from './partition-worker.ts';

const defaults = { maxRecords: 256, maxBytes: 4 * 1024 * 1024, lingerMs: 20, restMs: 0 };
const defaultSessionTimeoutMs = 30_000;
const defaultLagEveryMs = 5_000;
/** Longest wait for processing that ignores its abort signal, before the partition is opened again. */
const longestDropMs = 8_000;
const defaultGraceMs = 9_000;
/** Shares of the grace period: commit batches in flight, close processors, leave the group. */
const endShares = { drain: 0.6, close: 0.2, leave: 0.2 };

interface PartitionGroupDependencies {
  readonly log: Pick<Log, 'admin' | 'read'>;
  readonly join: JoinGroup;
  readonly logger: Logger;
  /** Absent where partitions cannot be added. */
  readonly watch?: PartitionWatch;
}

/** Joins the group and processes its partitions. Errors: topic-missing, topic-mismatch, log-unavailable. */
export async function openPartitionGroup(
  options: PartitionGroupOptions,
  dependencies: PartitionGroupDependencies,
): Promise<PartitionGroup> {
  const { topics, dependsOn = [], placement } = options;
  const { log } = dependencies;
  const read = await countPartitions(topics, log);
  const partitions = commonCount(read);
  if (placement !== undefined)
    for (const topic of topics) await checkPlacement(log, topic, partitions, placement);
  const counts = new Map([...read, ...(await countPartitions(dependsOn, log))]);
  const group = new PartitionGroupMember(options, dependencies, partitions, counts);
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

/** Co-partitioned topics must have equal partition counts. */
function commonCount(counts: ReadonlyMap<string, number>): number {
  const [first] = counts.values();
  if (first === undefined) throw new HeadwaterError('topic-missing', 'no topics to read');
  if ([...counts.values()].every((count) => count === first)) return first;
  const found = [...counts].map(([topic, count]) => `${topic} ${count}`).join(', ');
  throw new HeadwaterError(
    'topic-mismatch',
    `co-partitioned topics must have the same number of partitions: ${found}; ${repartitionRemedy()}`,
  );
}

/** One partition from the generation that assigns it on: opened, processed, reopened after failures, until it moves. */
interface Assignment {
  readonly partition: number;
  readonly abort: AbortController;
  worker: PartitionWorker | undefined;
  /** Resolves after the partition was opened for the first time, or the assignment ended. */
  opened: Promise<void>;
  /** Resolves when all its work has ended. */
  done: Promise<void>;
}

class PartitionGroupMember implements PartitionGroup, MemberListener {
  readonly ready: Promise<void>;
  readonly stopped: Promise<void>;
  readonly #options: PartitionGroupOptions;
  readonly #dependencies: PartitionGroupDependencies;
  readonly #member: GroupMember;
  readonly #assignments = new Map<number, Assignment>();
  readonly #retired = new Map<number, Promise<void>>();
  /** Partition counts at the start, by topic. */
  readonly #counts: ReadonlyMap<string, number>;
  #unwatch: () => void = () => undefined;
  readonly #progress: PartitionProgress | undefined;
  #assigned: readonly number[] = [];
  #settleReady: (error?: HeadwaterError) => void = () => undefined;
  #settleStopped: (error?: HeadwaterError) => void = () => undefined;
  #ending: Promise<void> | undefined;

  constructor(
    options: PartitionGroupOptions,
    dependencies: PartitionGroupDependencies,
    partitions: number,
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
    const { group, topics, sessionTimeoutMs = defaultSessionTimeoutMs, address, stored } = options;
    this.#progress = watchProgress(options, dependencies);
    this.#member = dependencies.join({ group, topics, partitions, sessionTimeoutMs, address, stored }, this);
  }

  async start(): Promise<void> {
    await this.#member.start();
    this.#unwatch =
      this.#dependencies.watch?.watch(this.#counts, (error) => void this.#end(error)) ?? this.#unwatch;
  }

  assigned(): readonly number[] {
    return this.#assigned;
  }

  /**
   * Each partition has its own transactional id, so a partition that stays needs nothing of the new generation. Had
   * another member owned it in between, its producer would have fenced ours: the next commit would fail before
   * anything is written to the local store, and reopen the partition.
   */
  joined(partitions: readonly number[], kept: readonly number[]): void {
    if (this.#ending !== undefined) return;
    const excess = this.#beyondCounts(partitions);
    if (excess !== undefined) return void this.#end(excess);
    const revoked = this.#assigned.filter((partition) => !partitions.includes(partition));
    this.#assigned = [...partitions];
    this.#retire((partition) => !kept.includes(partition));
    this.#progress?.assigned(partitions);
    if (revoked.length > 0) this.#options.observer?.revoked?.(revoked);
    this.#options.observer?.assigned?.(partitions);
    const assignments = partitions.map(
      (partition) => this.#assignments.get(partition) ?? this.#begin(partition),
    );
    void Promise.all(assignments.map((assignment) => assignment.opened)).then(() => {
      if (assignments.every((assignment) => !assignment.abort.signal.aborted)) this.#settleReady();
    });
  }

  fetched(partition: number, topic: string, chunk: FetchedChunk): void {
    this.#assignments.get(partition)?.worker?.fetched(topic, chunk);
  }

  failed(error: HeadwaterError): void {
    void this.#end(error);
  }

  async close({ graceMs = defaultGraceMs }: { readonly graceMs?: number } = {}): Promise<void> {
    await this.#end(undefined, graceMs);
  }

  /** A leader that started after partitions were added assigns partitions that this process does not know. */
  #beyondCounts(partitions: readonly number[]): HeadwaterError | undefined {
    const last = Math.max(-1, ...partitions);
    const [topic = ''] = this.#options.topics;
    const count = this.#counts.get(topic) ?? Number.POSITIVE_INFINITY;
    return last < count ? undefined : partitionsChanged(topic, count, last + 1);
  }

  /** Drops the work of these partitions without waiting. */
  #retire(moves: (partition: number) => boolean): void {
    for (const assignment of [...this.#assignments.values()].filter(({ partition }) => moves(partition))) {
      assignment.abort.abort();
      void assignment.worker?.drop();
      this.#retired.set(assignment.partition, assignment.done);
      this.#assignments.delete(assignment.partition);
    }
  }

  #begin(partition: number): Assignment {
    const former = this.#retired.get(partition) ?? Promise.resolve();
    let settleOpened: () => void = () => undefined;
    const assignment: Assignment = {
      partition,
      abort: new AbortController(),
      worker: undefined,
      opened: new Promise((resolve) => {
        settleOpened = resolve;
      }),
      done: Promise.resolve(),
    };
    this.#assignments.set(partition, assignment);
    assignment.done = former.then(() => this.#run(assignment, settleOpened)).finally(settleOpened);
    return assignment;
  }

  /** Opens the partition, and reopens it after each error whose verdict is to retry. */
  async #run(assignment: Assignment, opened: () => void): Promise<void> {
    const { signal } = assignment.abort;
    for (let failures = 0; !signal.aborted; failures += 1) {
      const began = performance.now();
      const error = await this.#runOnce(assignment, opened).catch((thrown: unknown) =>
        asHeadwaterError(thrown),
      );
      if (error === undefined || signal.aborted) return;
      if (error.verdict !== 'retry') {
        void this.#end(error);
        return;
      }
      this.#reportReopening(assignment.partition, error);
      if (performance.now() - began > 60_000) failures = 0;
      // The fencing producer may be the rightful owner: wait for the next heartbeat before fencing it in turn.
      await pauseFor(backoffMs(failures + (error.code === 'log-fenced' ? 5 : 2)), signal);
    }
  }

  #reportReopening(partition: number, error: HeadwaterError): void {
    this.#options.observer?.retried?.(partition, error);
    const fields = { group: this.#options.group, partition, code: error.code, reason: error.message };
    this.#dependencies.logger.warn(fields, 'reopening the partition from its committed offsets');
  }

  async #runOnce(assignment: Assignment, opened: () => void): Promise<HeadwaterError | undefined> {
    const { partition, abort } = assignment;
    this.#member.pause(partition);
    const transactions = await this.#member.openTransactions(
      partition,
      this.#options.transactionalId(partition),
    );
    let processor: PartitionProcessor | undefined;
    try {
      const positions = await this.#member.committed(partition);
      if (abort.signal.aborted) return undefined;
      processor = await this.#options.open(this.#describe(assignment, positions));
      if (abort.signal.aborted) return undefined;
      const worker = this.#work(partition, transactions, processor, positions);
      assignment.worker = worker;
      worker.start();
      opened();
      const error = await worker.ended;
      await waitAtMost(longestDropMs, worker.drop());
      return error;
    } finally {
      assignment.worker = undefined;
      await transactions.close();
      await processor?.close();
    }
  }

  #describe(assignment: Assignment, positions: Positions): AssignedPartition {
    const { log } = this.#dependencies;
    const index = assignment.partition;
    return {
      index,
      topics: this.#options.topics,
      positions,
      replay: ({ topic, from, to }) => log.read({ topic, partition: index, from, to }),
      wake: () => assignment.worker?.wake(),
    };
  }

  #work(
    partition: number,
    transactions: PartitionTransactions,
    processor: PartitionProcessor,
    positions: Positions,
  ): PartitionWorker {
    const { group, batch, inFlight = 1, idleAfterMs, deadLetterTopic, observer } = this.#options;
    return new PartitionWorker({
      partition,
      group,
      limits: { ...defaults, ...batch },
      inFlight,
      idleAfterMs,
      deadLetterTopic,
      observer,
      progress: this.#progress,
      member: this.#member,
      transactions,
      processor,
      positions,
    });
  }

  /** Ends gracefully without an error, immediately with one. */
  #end(error?: HeadwaterError, graceMs = defaultGraceMs): Promise<void> {
    this.#ending ??= this.#shutDown(error, graceMs);
    return this.#ending;
  }

  async #shutDown(error: HeadwaterError | undefined, graceMs: number): Promise<void> {
    this.#unwatch();
    const assignments = [...this.#assignments.values()];
    for (const { partition } of assignments) this.#member.pause(partition);
    if (error === undefined) {
      const drained = Promise.all(assignments.map(({ worker }) => worker?.drain()));
      await waitAtMost(endShares.drain * graceMs, drained);
    }
    this.#retire(() => true);
    await waitAtMost(endShares.close * graceMs, Promise.all(this.#retired.values()));
    this.#progress?.close();
    this.#options.observer?.revoked?.(this.#assigned);
    this.#assigned = [];
    const left = this.#member.leave().catch((thrown: unknown) => {
      this.#dependencies.logger.warn({ reason: String(thrown) }, 'cannot leave the consumer group');
    });
    await waitAtMost(endShares.leave * graceMs, left);
    this.#settleReady(error);
    this.#settleStopped(error);
  }
}

/** Returns undefined without an observer. */
function watchProgress(
  { group, topics, observer, lagEveryMs: everyMs = defaultLagEveryMs }: PartitionGroupOptions,
  { log, logger }: PartitionGroupDependencies,
): PartitionProgress | undefined {
  if (observer === undefined) return undefined;
  return new PartitionProgress({ group, topics, observer, admin: log.admin, logger, everyMs });
}
