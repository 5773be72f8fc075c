/**
 * Counters of the produce path, summed over all processes of a run. A killed process loses its counters, so
 * they are read regularly, and the last reading counts.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { SupervisedProcess } from './supervised.ts';

const metrics = {
  leaderMoves: 'headwater_kafka_leader_moves_total',
  producesRetried: 'headwater_kafka_produce_retries_total',
  unknownCommits: 'headwater_kafka_unknown_commits_total',
} as const;

export type Counted = { readonly [name in keyof typeof metrics]: number };

export interface Counters {
  /** Reads once more. Idempotent. */
  close(): Promise<Counted>;
}

const intervalMs = 500;
const answerMs = 2_000;

/** `services` may change while it counts. */
export function createCounters(services: readonly SupervisedProcess[]): Counters {
  const readings = new Map<number, Counted>();
  const end = new AbortController();
  const readAll = () => Promise.all(services.map((service) => read(service, readings)));
  const reading = (async () => {
    while (!end.signal.aborted) {
      await readAll();
      await sleep(intervalMs, undefined, { signal: end.signal }).catch(() => undefined);
    }
  })();
  return {
    async close() {
      end.abort();
      await reading;
      await readAll();
      return sum([...readings.values()]);
    },
  };
}

/** Kept by process id: each process begins at 0. */
async function read(
  { pid, isReady, metricsUrl }: Pick<SupervisedProcess, 'pid' | 'isReady' | 'metricsUrl'>,
  readings: Map<number, Counted>,
): Promise<void> {
  if (pid === undefined || !isReady) return;
  const answer = await fetch(metricsUrl, { signal: AbortSignal.timeout(answerMs) })
    .then((response) => response.text())
    .catch(() => undefined);
  if (answer !== undefined) readings.set(pid, parse(answer));
}

/** Of Prometheus' text format; 0 where a metric is missing, sums over labels. */
export function parse(text: string): Counted {
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  const sumOf = (metric: string) =>
    lines
      .filter((line) => line.startsWith(`${metric} `) || line.startsWith(`${metric}{`))
      .reduce((total, line) => total + Number(line.slice(line.lastIndexOf(' ') + 1)), 0);
  const entries = Object.entries(metrics).map(([name, metric]) => [name, sumOf(metric)]);
  return Object.fromEntries(entries) as Counted;
}

function sum(all: readonly Counted[]): Counted {
  const names = Object.keys(metrics) as (keyof Counted)[];
  const entries = names.map((name) => [name, all.reduce((total, one) => total + one[name], 0)]);
  return Object.fromEntries(entries) as Counted;
}
