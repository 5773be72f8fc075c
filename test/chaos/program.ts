/**
 * `npm run chaos`: the same stream once undisturbed and once among faults, and a comparison of the results.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openPython } from '../interop/python.ts';
import { createProgressLog, runTrial } from '../trial.ts';
import { Cluster } from './cluster/cluster.ts';
import { createDigitsStream } from './digits-stream.ts';
import { canLimitFiles } from './faults/limits.ts';
import { type ChaosOptions, help, readOptions } from './options.ts';
import { readWithLibrdkafka } from './produce/read-with-librdkafka.ts';
import { isProduceRight, type ProduceSummary, runProduceTrial } from './produce/trial.ts';
import { type RunResult, runStream } from './run.ts';
import { createSchedule } from './schedule.ts';
import { isRight, type Summary, summarize } from './summary.ts';

const started = performance.now();
const say = createProgressLog('chaos');

/** Resolves to the exit code. */
export function main(args: readonly string[]): Promise<number> {
  const ending = () => say('ending all processes');
  return runTrial({ help, readOptions, run, isRight: isAnyRight, ending, formatError }, args);
}

function isAnyRight(summary: Summary | ProduceSummary): boolean {
  return 'missing' in summary ? isProduceRight(summary) : isRight(summary);
}

/** The message of an error with a code states the remedy; other errors need their stack. */
function formatError(error: Error & { readonly code?: string }): string {
  return (error.code === undefined ? error.stack : error.message) ?? error.message;
}

async function run(options: ChaosOptions, signal: AbortSignal): Promise<Summary | ProduceSummary> {
  say('looking for Python and librdkafka');
  await openPython().catch((error: Error) => {
    throw new Error(
      `Python 3 with venv, and packages for it, are needed to check what came of it all: ${error.message}`,
    );
  });
  if (!(await canLimitFiles())) {
    throw new Error(
      'prlimit (util-linux) is missing: full disks cannot be had without it; try --blobs 0 --state 0',
    );
  }
  const folder = await mkdtemp(join(tmpdir(), 'headwater-chaos-'));
  let cluster: Cluster | undefined;
  let isKept = true;
  try {
    say(`starting Apache Kafka of ${options.brokers} broker(s)`);
    cluster = await Cluster.start(join(folder, 'kafka'), options.brokers);
    const summary = await runOn(cluster, options, folder, signal);
    isKept = options.keep || !isAnyRight(summary);
    return summary;
  } catch (error) {
    isKept = !signal.aborted || options.keep;
    throw error;
  } finally {
    await cluster?.stop();
    if (isKept) say(`the logs of all processes are kept in ${folder}`);
    else await rm(folder, { recursive: true, force: true });
  }
}

function runOn(cluster: Cluster, options: ChaosOptions, folder: string, signal: AbortSignal) {
  const { produce, seed } = options;
  if (produce === undefined) return runBoth(options, folder, cluster, signal);
  const readAll = readWithLibrdkafka(cluster.brokers);
  return runProduceTrial({ seed, ...produce }, { cluster, readAll, signal, say });
}

async function runBoth(
  options: ChaosOptions,
  folder: string,
  cluster: Cluster,
  signal: AbortSignal,
): Promise<Summary> {
  const schedule = createSchedule(options.seed, options.counts);
  const bursts = schedule.length + 1;
  const { plan, count, bytesOf } = createDigitsStream({
    seed: options.seed,
    bursts,
    imagesPerBurst: options.imagesPerFault,
  });
  const shared = { cluster, plan, bytesOf, signal, say };
  say(`seed ${options.seed}: ${count} images; first without faults`);
  const calm = await runStream({ ...shared, folder: join(folder, 'calm'), prefix: 'calm-', schedule: [] });
  tell('undisturbed', calm);
  say(`the same stream again, and ${schedule.length} faults`);
  const chaos = await runStream({ ...shared, folder: join(folder, 'chaos'), prefix: 'chaos-', schedule });
  tell('among faults', chaos);
  await writeFile(join(folder, 'findings.json'), JSON.stringify({ calm, chaos }, undefined, 1));
  const seconds = Math.round((performance.now() - started) / 1_000);
  return summarize({ options, plan, calm, chaos, seconds });
}

const shownFindings = 20;

function tell(which: string, { findings, troubles, unaskedEnds }: RunResult): void {
  say(`${which}: ${findings.length} findings`);
  for (const { kind, what } of findings.slice(0, shownFindings)) say(`  ${kind}: ${what}`);
  if (findings.length > shownFindings) say(`  and ${findings.length - shownFindings} more, in findings.json`);
  for (const trouble of troubles) say(`  ${trouble}`);
  for (const { name, code, signal } of unaskedEnds) say(`  ${name} ended by itself: ${signal ?? code}`);
}
