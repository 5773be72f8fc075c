/** `npm run fuzz`: a campaign over each target; findings are shrunk and saved. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createProgressLog, runTrial } from '../trial.ts';
import { type CampaignResult, type FoundCase, runCampaign } from './campaign.ts';
import { inputOf, judge } from './case-runner.ts';
import { type FuzzOptions, help, readOptions } from './options.ts';
import { shrink } from './shrinking.ts';
import type { Target } from './target.ts';
import { selfTestFindings, selfTestTarget } from './targets/self-test.ts';
import { targets } from './targets/targets.ts';

/** Maximum growth of a process during a campaign. */
const growthBytes = 128 * 1024 * 1024;
/** More findings most likely have the same cause. */
const mostSaved = 10;
const shrinkAttempts = { here: 300, apart: 25 };

const say = createProgressLog('fuzz');

/** Resolves to the exit code. */
export function main(args: readonly string[]): Promise<number> {
  return runTrial({ help, readOptions, run, isRight: ({ ok }) => ok }, args);
}

/** Checks with faults made on purpose that campaigns detect them. */
async function checkWatching(signal: AbortSignal): Promise<void> {
  const { findings } = await runCampaign({ target: selfTestTarget, seed: 1, from: 0, to: 13, signal });
  const seen = findings.map(({ index, kind }) => `${index} ${kind}`).join();
  if (!signal.aborted && seen !== selfTestFindings) {
    throw new Error(`of ${selfTestFindings}, which were made on purpose, these were seen: ${seen}`);
  }
  say('a crash, a hang, a hoard and undocumented answers, made on purpose, are all seen');
}

async function run(options: FuzzOptions, signal: AbortSignal) {
  await checkWatching(signal);
  const results: CampaignResult[] = [];
  for (const target of targets.filter(({ name }) => options.only === undefined || name === options.only)) {
    if (!signal.aborted) results.push(await runTarget(target, options, signal));
  }
  const findings = results.reduce((sum, result) => sum + result.findings.length, 0);
  return {
    ok: findings === 0 && results.every(isSteady) && !signal.aborted,
    seed: options.seed,
    cases: results.reduce((sum, { cases }) => sum + cases, 0),
    crashes: countOf(results, 'crash'),
    hangs: countOf(results, 'hang'),
    findings,
    growthBoundBytes: growthBytes,
    targets: results.map(({ findings: found, ...rest }) => ({
      ...rest,
      seconds: Math.round(rest.seconds),
      findings: found.map(({ index, kind, what }) => ({ index, kind, what: what.slice(0, 500) })),
    })),
  };
}

const countOf = (results: readonly CampaignResult[], kind: FoundCase['kind']) =>
  results.reduce((sum, { findings }) => sum + findings.filter((found) => found.kind === kind).length, 0);

function isSteady({ memory }: CampaignResult): boolean {
  return memory.peakBytes <= memory.boundBytes && memory.lateBytes - memory.earlyBytes <= growthBytes;
}

async function runTarget(target: Target, options: FuzzOptions, signal: AbortSignal): Promise<CampaignResult> {
  const { seed, first } = options;
  if (options.replay !== undefined) {
    return runCampaign({ target, seed, from: 0, to: 1, signal, input: readFileSync(options.replay) });
  }
  let told = 1;
  const progress = (done: number) => {
    if (done < told) return;
    told = done + Math.ceil(options.cases / 10);
    say(`${target.name}: ${done} of ${options.cases}`);
  };
  const result = await runCampaign({
    target,
    seed,
    from: first,
    to: first + options.cases,
    signal,
    progress,
  });
  const { memory, findings } = result;
  const mb = (bytes: number) => `${Math.round(bytes / 1024 / 1024)} MiB`;
  say(
    `${target.name}: ${findings.length} findings; resident ${mb(memory.earlyBytes)} early, ${mb(memory.lateBytes)} late, ${mb(memory.peakBytes)} at most`,
  );
  for (const found of findings.slice(0, mostSaved)) await save(target, found, options, signal);
  return result;
}

/** Shrinks the input as long as it fails in the same way. */
async function save(
  target: Target,
  found: FoundCase,
  options: FuzzOptions,
  signal: AbortSignal,
): Promise<void> {
  const input = found.input ?? (await inputAgain(target, found, options));
  const small =
    found.kind === 'wrong'
      ? await shrinkHere(target, found, input)
      : await shrinkApart(target, found, input, signal);
  mkdirSync(options.out, { recursive: true });
  const file = join(options.out, `${target.name}-${options.seed}-${found.index}`);
  writeFileSync(file, small);
  writeFileSync(`${file}.txt`, `${found.kind}\n${found.what}\n`);
  say(
    `${target.name} ${found.index}: ${found.kind}: ${found.what.split('\n')[0]}; ${input.length} bytes, ${small.length} when shrunk: ${file}`,
  );
}

const shapeOf = (what: string) => what.split('\n')[0]?.replace(/\d+/g, '#');

async function shrinkHere(target: Target, found: FoundCase, input: Buffer): Promise<Buffer> {
  const open = await target.open();
  const fails = async (candidate: Buffer) => {
    const { wrong } = await judge(target, open, candidate);
    return wrong !== undefined && shapeOf(wrong) === shapeOf(found.what);
  };
  return shrink(input, fails, shrinkAttempts.here).finally(() => open.close());
}

/** A crash ends a process with each attempt. */
function shrinkApart(target: Target, found: FoundCase, input: Buffer, signal: AbortSignal): Promise<Buffer> {
  const fails = async (candidate: Buffer) => {
    const trial = { target, seed: 0, from: 0, to: 1, signal, input: candidate };
    return (await runCampaign(trial)).findings[0]?.kind === found.kind;
  };
  return shrink(input, fails, shrinkAttempts.apart);
}

async function inputAgain(target: Target, { index }: FoundCase, { seed }: FuzzOptions): Promise<Buffer> {
  const open = await target.open();
  const input = Buffer.from(inputOf(target, open, seed, index));
  await open.close();
  return input;
}
