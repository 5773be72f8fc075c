/** The summary of a run, and its verdict. */
import type { ChaosOptions } from './options.ts';
import type { Plan } from './plan.ts';
import type { RunResult } from './run.ts';

export interface Summary {
  readonly seed: number;
  readonly brokers: number;
  readonly kills: number;
  readonly pauses: number;
  readonly brokerRestarts: number;
  readonly rebalances: number;
  readonly blobFaults: number;
  readonly stateFaults: number;
  readonly networkFaults: number;
  readonly rollingRestarts: number;
  readonly twoBrokersKilled: number;
  readonly coordinatorsKilled: number;
  readonly leaderReassignments: number;
  readonly brokerDisksFull: number;
  /** Counters of the services, summed over all processes. */
  readonly leaderMoves: number;
  readonly producesRetried: number;
  readonly unknownCommits: number;
  /** Sent items, each counted once. */
  readonly images: number;
  readonly labels: number;
  /** Records of each topic that the independent reader found. */
  readonly records: RunResult['records'];
  readonly lost: number;
  readonly duplicates: number;
  readonly wrong: number;
  readonly deadLetters: number;
  readonly headDigest: string | null;
  readonly undisturbedDigest: string | null;
  readonly digestsEqual: boolean;
  readonly setDigest: string | null;
  readonly undisturbedSetDigest: string | null;
  /** Also equal to the sum of the independent reader over the examples, in both runs. */
  readonly setDigestsEqual: boolean;
  /** Exits of ready processes without a fault. */
  readonly unaskedEnds: number;
  /** Messages about failures, also of the undisturbed run. */
  readonly troubles: readonly string[];
  /** From a fault until all images sent before or during it had their prediction. */
  readonly recoverySecondsMedian: number | null;
  readonly recoverySecondsWorst: number | null;
  readonly seconds: number;
}

export interface SummaryParts {
  readonly options: Pick<ChaosOptions, 'seed' | 'brokers'>;
  readonly plan: Plan;
  readonly calm: RunResult;
  readonly chaos: RunResult;
  readonly seconds: number;
}

export function summarize({ options, plan, calm, chaos, seconds }: SummaryParts): Summary {
  const operations = plan.bursts.flat();
  const struck = (kind: string) => chaos.recoveries.filter((recovery) => recovery.kind === kind).length;
  const recoveries = chaos.recoveries.map((recovery) => recovery.seconds).sort((a, b) => a - b);
  const sets = [chaos.setDigest, chaos.examplesDigest, calm.setDigest, calm.examplesDigest];
  return {
    seed: options.seed,
    brokers: options.brokers,
    kills: struck('kill'),
    pauses: struck('pause'),
    brokerRestarts: struck('broker'),
    rebalances: struck('rebalance'),
    blobFaults: struck('blobs'),
    stateFaults: struck('state'),
    networkFaults: struck('network'),
    rollingRestarts: struck('rolling'),
    twoBrokersKilled: struck('two'),
    coordinatorsKilled: struck('coordinator'),
    leaderReassignments: struck('leaders'),
    brokerDisksFull: struck('disk'),
    ...chaos.counted,
    images: new Set(operations.filter(({ kind }) => kind === 'image').map(({ imageId }) => imageId)).size,
    labels: new Set(operations.filter(({ kind }) => kind === 'label')).size,
    records: chaos.records,
    lost: chaos.lost,
    duplicates: chaos.duplicates,
    wrong: chaos.wrong,
    deadLetters: chaos.records.deadLetters,
    headDigest: chaos.headDigest,
    undisturbedDigest: calm.headDigest,
    digestsEqual: chaos.headDigest !== null && chaos.headDigest === calm.headDigest,
    setDigest: chaos.setDigest,
    undisturbedSetDigest: calm.setDigest,
    setDigestsEqual: sets[0] !== null && sets.every((digest) => digest === sets[0]),
    unaskedEnds: chaos.unaskedEnds.length + calm.unaskedEnds.length,
    troubles: [
      ...calm.findings.map(({ kind, what }) => `undisturbed: ${kind}: ${what}`).slice(0, 5),
      ...calm.troubles.map((trouble) => `undisturbed: ${trouble}`),
      ...chaos.troubles,
    ],
    recoverySecondsMedian: round(recoveries[Math.floor(recoveries.length / 2)]),
    recoverySecondsWorst: round(recoveries.at(-1)),
    seconds,
  };
}

export function isRight(summary: Summary): boolean {
  const { lost, duplicates, wrong, deadLetters, unaskedEnds, troubles, digestsEqual, setDigestsEqual } =
    summary;
  const none = lost + duplicates + wrong + deadLetters + unaskedEnds + troubles.length === 0;
  return none && digestsEqual && setDigestsEqual;
}

function round(seconds: number | undefined): number | null {
  return seconds === undefined || !Number.isFinite(seconds) ? null : Math.round(seconds * 100) / 100;
}
