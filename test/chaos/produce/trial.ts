/**
 * `npm run chaos -- --only produce`: senders without services, idempotent and in transactions, on several brokers whose leaders move.
 * Every acknowledged record must be in the log once, in the order of its sender, as another client reads it.
 */
import { setMaxListeners } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { createKafkaLog, type Log } from '@headwater/log';
import { createLogger } from '@headwater/service-kit';
import type { Cluster } from '../cluster/cluster.ts';
import { createRandom } from '../random.ts';
import { Counting, type Counts } from './counting.ts';
import { LeaderWatch } from './leader-watch.ts';
import { Ledger } from './ledger.ts';
import { runSenders } from './senders.ts';
import { type StrikeKind, strike, strikeKinds } from './strikes.ts';

export interface ProduceOptions {
  readonly seed: number;
  /** Minimum number of acknowledged records. */
  readonly records: number;
  /** Minimum number of strikes that move a leader. */
  readonly moves: number;
  /** Used in turn; default all. */
  readonly kinds?: readonly StrikeKind[];
}

export interface ProduceSummary extends Counts {
  readonly seed: number;
  readonly brokers: number;
  readonly wanted: { readonly records: number; readonly moves: number };
  readonly acknowledged: { readonly idempotent: number; readonly transactional: number };
  /** Records of calls that were rejected: in the log or not. */
  readonly doubtful: number;
  /** Strikes of each kind. */
  readonly strikes: Readonly<Record<StrikeKind, number>>;
  /** Strikes that moved a leader. */
  readonly moves: number;
  /** Changes of partition leaders, as seen from outside. */
  readonly partitionsMoved: number;
  /** As counted by the product. */
  readonly leaderMoves: number;
  readonly producesRetried: number;
  readonly unknownCommits: number;
  readonly troubles: readonly string[];
  readonly seconds: number;
}

/** Passes on all committed records of the topics, in the order of each partition. */
export type ReadAll = (
  topics: readonly string[],
  visit: (topic: string, partition: number, value: string) => void,
) => Promise<void>;

export interface TrialTools {
  readonly cluster: Cluster;
  readonly readAll: ReadAll;
  readonly signal: AbortSignal;
  readonly say: (text: string) => void;
}

export const topics = { idempotent: 'trial-idempotent', transactional: 'trial-transactional' } as const;
const allTopics = [topics.idempotent, topics.transactional];
const partitions = 6;
const inSyncMs = 180_000;
/** Pause between two strikes, so that senders make progress. */
const steadyMs = { least: 500, most: 2_000 };
/** No strike, and no call to the log, may take longer than this. */
const patienceMs = 180_000;

export async function runProduceTrial(options: ProduceOptions, tools: TrialTools): Promise<ProduceSummary> {
  const started = performance.now();
  const { cluster, say } = tools;
  const observed = { leaderMoves: 0, producesRetried: 0, unknownCommits: 0 };
  const observer = {
    leaderMoved: () => void observed.leaderMoves++,
    retried: () => void observed.producesRetried++,
    commitUnknown: () => void observed.unknownCommits++,
  };
  const log = createKafkaLog(
    { brokers: cluster.brokers, observer },
    createLogger({ name: 'trial', level: 'silent' }),
  );
  const ledger = new Ledger();
  try {
    await createTopics(log, cluster.nodes.length);
    const watch = new LeaderWatch(cluster, allTopics);
    const { strikes, moves, troubles } = await sendAndStrike(options, tools, { log, ledger, watch });
    await watch.close();
    say('reading all records');
    const counting = new Counting();
    await tools.readAll(allTopics, (topic, partition, value) => counting.add(topic, partition, value));
    return {
      seed: options.seed,
      brokers: cluster.nodes.length,
      wanted: { records: options.records, moves: options.moves },
      acknowledged: ledger.acknowledged,
      doubtful: ledger.doubtful,
      strikes,
      moves,
      partitionsMoved: watch.moves,
      ...observed,
      ...counting.compare(ledger),
      troubles,
      seconds: Math.round((performance.now() - started) / 1_000),
    };
  } finally {
    await log.close().catch(() => undefined);
  }
}

export function isProduceRight(summary: ProduceSummary): boolean {
  const { missing, twice, outOfOrder, torn, foreign, troubles, acknowledged, wanted } = summary;
  const isClean = missing + twice + outOfOrder + torn + foreign + troubles.length === 0;
  return (
    isClean &&
    summary.moves >= wanted.moves &&
    acknowledged.idempotent + acknowledged.transactional >= wanted.records
  );
}

function createTopics(log: Log, brokers: number): Promise<void> {
  const replicationFactor = Math.min(3, brokers);
  const settings = { 'min.insync.replicas': brokers < 3 ? '1' : '2' };
  const specs = allTopics.map((name) => ({ name, partitions, replicationFactor, settings }));
  return log.admin.ensureTopics(specs, { create: true });
}

interface Parts {
  readonly log: Log;
  readonly ledger: Ledger;
  readonly watch: LeaderWatch;
}

async function sendAndStrike(options: ProduceOptions, tools: TrialTools, { log, ledger, watch }: Parts) {
  const end = new AbortController();
  const ending = AbortSignal.any([end.signal, tools.signal]);
  // Each sender that rests listens to it.
  setMaxListeners(0, ending);
  const senders = runSenders({
    log,
    ledger,
    seed: options.seed,
    idempotentTopic: topics.idempotent,
    transactionalTopic: topics.transactional,
    partitions,
    end: ending,
  });
  senders.catch(() => undefined);
  const troubles: string[] = [];
  try {
    const struck = await strikeAll(options, tools, { ledger, watch, troubles });
    await untilAcknowledged(options, tools, ledger, troubles);
    return { ...struck, troubles };
  } finally {
    end.abort();
    const isSettled = await Promise.race([
      senders.then(() => true),
      sleep(patienceMs, false, { ref: false }),
    ]);
    if (!isSettled) troubles.push(`a call to the log was not answered within ${patienceMs / 1_000} s`);
  }
}

interface Score {
  readonly ledger: Ledger;
  readonly watch: LeaderWatch;
  readonly troubles: string[];
}

async function strikeAll(
  { seed, moves: wanted, kinds = strikeKinds }: ProduceOptions,
  { cluster, signal, say }: TrialTools,
  { ledger, watch, troubles }: Score,
) {
  const random = createRandom(seed, 'strikes');
  const strikes = Object.fromEntries(strikeKinds.map((kind) => [kind, 0])) as Record<StrikeKind, number>;
  let moves = 0;
  // Not every strike moves a leader; three times as many must suffice.
  for (let count = 0; moves < wanted && count < 3 * wanted; count++) {
    await sleep(random.integer(steadyMs.least, steadyMs.most), undefined, { signal });
    const kind = kinds[count % kinds.length] as StrikeKind;
    const before = watch.moves;
    const index = Math.floor(count / kinds.length) + random.integer(0, 1);
    await strike(kind, index, { cluster, topics: allTopics, signal });
    strikes[kind] += 1;
    if (!(await cluster.untilInSync(allTopics, signal, inSyncMs))) {
      troubles.push(`replicas were not in sync ${inSyncMs / 1_000} s after strike ${count + 1} (${kind})`);
    }
    if (await watch.hasMoved(before)) moves += 1;
    const { idempotent, transactional } = ledger.acknowledged;
    say(
      `${kind}: ${moves} of ${wanted} moves; ${idempotent} + ${transactional} records acknowledged, ${ledger.doubtful} in doubt`,
    );
  }
  return { strikes, moves };
}

async function untilAcknowledged(
  { records }: ProduceOptions,
  { signal, say }: TrialTools,
  ledger: Ledger,
  troubles: string[],
): Promise<void> {
  const total = () => ledger.acknowledged.idempotent + ledger.acknowledged.transactional;
  let [seen, since] = [total(), performance.now()];
  while (total() < records) {
    if (total() > seen) [seen, since] = [total(), performance.now()];
    if (performance.now() - since > patienceMs) {
      troubles.push(`no record was acknowledged for ${patienceMs / 1_000} s`);
      return;
    }
    await sleep(1_000, undefined, { signal });
  }
  say(`${total()} records acknowledged`);
}
