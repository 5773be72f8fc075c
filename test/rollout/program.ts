/** `npm run rollout`: replicas that are restarted and scaled under load lose nothing, and refuse no client. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Cluster } from '../chaos/cluster/cluster.ts';
import { createDigitsStream } from '../chaos/digits-stream.ts';
import { runStream } from '../chaos/run.ts';
import { openPython } from '../interop/python.ts';
import { createProgressLog, runTrial } from '../trial.ts';
import { help, type RolloutOptions, readOptions } from './options.ts';
import { type RolloutResult, runRollout } from './run.ts';

const imagesPerBurst = 40;
const checkout = fileURLToPath(new URL('../../', import.meta.url));
const say = createProgressLog('rollout');

type Summary = Omit<RolloutResult, 'findings'> & {
  readonly from: string | undefined;
  readonly digestsEqual: boolean;
  readonly seconds: number;
};

/** Resolves to the exit code. */
export function main(args: readonly string[]): Promise<number> {
  const ending = () => say('ending all processes');
  return runTrial({ help, readOptions, run, isRight, ending }, args);
}

function isRight(summary: Summary): boolean {
  const { lost, duplicates, wrong, writeErrors, reads, balancerFailures, digestsEqual } = summary;
  const failedReads = summary.from === undefined ? reads.failed : 0;
  const counts = [lost, duplicates, wrong, writeErrors, failedReads, balancerFailures];
  const lists = [summary.unaskedEnds, summary.troubles];
  return digestsEqual && counts.every((count) => count === 0) && lists.every((list) => list.length === 0);
}

async function run(options: RolloutOptions, signal: AbortSignal): Promise<Summary> {
  const started = performance.now();
  await openPython();
  const folder = await mkdtemp(join(tmpdir(), 'headwater-rollout-'));
  say(`starting Apache Kafka of ${options.brokers} broker(s)`);
  const cluster = await Cluster.start(join(folder, 'kafka'), options.brokers);
  let isKept = true;
  try {
    const { bursts, seed, from } = options;
    const { plan, count, bytesOf } = createDigitsStream({ seed, bursts, imagesPerBurst });
    const shared = { cluster, plan, bytesOf, signal, say };
    say(`${count} images; first without restarts`);
    const calm = await runStream({
      ...shared,
      folder: join(folder, 'calm'),
      prefix: 'calm-',
      schedule: [],
    });
    say('the same stream again, with restarts');
    const rolled = await runRollout({
      ...shared,
      folder: join(folder, 'rolled'),
      prefix: 'rolled-',
      from,
      checkout,
    });
    await writeFile(join(folder, 'findings.json'), JSON.stringify({ calm, rolled }, undefined, 1));
    const { findings, ...rest } = rolled;
    for (const { kind, what } of findings.slice(0, 20)) say(`  ${kind}: ${what}`);
    const digestsEqual =
      rolled.headDigest !== null &&
      rolled.headDigest === calm.headDigest &&
      rolled.setDigest === calm.setDigest;
    const seconds = Math.round((performance.now() - started) / 1_000);
    const summary = { ...rest, from, digestsEqual, seconds };
    isKept = options.keep || !isRight(summary);
    return summary;
  } finally {
    await cluster.stop();
    if (isKept) say(`the logs of all processes are kept in ${folder}`);
    else await rm(folder, { recursive: true, force: true });
  }
}
