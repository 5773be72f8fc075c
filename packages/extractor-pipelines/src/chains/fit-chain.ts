/**
 * Fits the steps of a chain on a sample. One pass over the sample fits every step whose predecessors are ready; later steps are
 * fitted in the next pass, until all are done. Artefacts are written after each pass, so that an interruption costs one pass at
 * most.
 */
import { HeadwaterError } from '@headwater/errors';
import type { ExtractorOptions, Fitting, SourceRecord, Value } from '@headwater/extractors';
import { type ChainContext, type FittedStep, withStepContext } from './chain-context.ts';
import { ChainOpening, type UnfittedStep } from './chain-opening.ts';
import { writeFitted } from './fitted-file.ts';
import { contextOf, type ReadChain, readChain } from './open-chain.ts';
import { applyAll } from './sequence.ts';

export interface SampleRecord {
  /** For messages, e.g. a file's name. */
  readonly name: string;
  /** A record whose error has the verdict dead-letter is skipped. */
  readonly read: (signal: AbortSignal) => Promise<SourceRecord>;
}

export interface Sample {
  readonly name: string;
  /** Number of records, if known. */
  readonly size: number | undefined;
  /** Restarts from the beginning at each call. */
  readonly records: (signal: AbortSignal) => AsyncIterable<SampleRecord>;
}

export interface FitProgress {
  /** Counts from one. */
  readonly pass: number;
  /** The steps that are fitted in it, e.g. `chain.1 (standardized-vector)`. */
  readonly links: readonly string[];
  readonly records: number;
  readonly skipped: number;
  readonly total: number | undefined;
}

export interface FitOptions {
  readonly samples: readonly Sample[];
  readonly settings?: ExtractorOptions;
  readonly signal: AbortSignal;
  /** Maximum number of records over all samples. */
  readonly limit?: number;
  readonly onProgress?: (progress: FitProgress) => void;
  /** Called for each record that cannot be used. */
  readonly onSkip?: (name: string, error: HeadwaterError) => void;
}

/** A fitted step, and the number of records that it was fitted on. */
export interface FittedStepSummary {
  readonly place: string;
  readonly method: string;
  readonly records: number;
  readonly digest: string;
}

export interface FitSummary {
  readonly id: string;
  /** Path of the fitted artefacts. */
  readonly path: string;
  readonly passes: number;
  /** The steps that were fitted now; empty if nothing was left to fit. */
  readonly fitted: readonly FittedStepSummary[];
}

/** Concurrent records: enough for engines to share calls. */
const atOnce = 16;

export function titleOf({ link }: UnfittedStep): string {
  return `${link.place} (${link.method})`;
}

interface Learning {
  readonly frontier: UnfittedStep;
  readonly fitting: Fitting;
}

/** Runs a part of one step's fitting and adds its context to errors. */
function atFrontier<T>(context: ChainContext, { link }: UnfittedStep, work: () => T): T {
  try {
    return work();
  } catch (thrown) {
    throw withStepContext(context, link, thrown);
  }
}

function startLearning(context: ChainContext, frontier: UnfittedStep): Learning {
  const fitting = atFrontier(context, frontier, () => frontier.method.fit?.(frontier.options));
  if (!fitting) throw new HeadwaterError('unexpected', `${titleOf(frontier)} cannot be fitted`);
  return { frontier, fitting };
}

async function* limited(samples: readonly Sample[], limit: number, signal: AbortSignal) {
  let left = limit;
  for (const sample of samples) {
    for await (const record of sample.records(signal)) {
      if (left === 0) return;
      left -= 1;
      yield record;
    }
  }
}

function totalOf({ samples, limit }: FitOptions): number | undefined {
  const sizes = samples.map(({ size }) => size);
  if (!sizes.every((size) => size !== undefined)) return limit;
  const total = sizes.reduce((sum, size) => sum + size, 0);
  return Math.min(total, limit ?? total);
}

/** A record that any step cannot use is skipped for all: it would be a dead letter in the stream. */
async function learnFrom(
  learnings: readonly Learning[],
  record: SourceRecord,
  signal: AbortSignal,
): Promise<void> {
  const value: Value = { type: 'record', record };
  const settled = await Promise.allSettled(
    learnings.map(({ frontier }) => applyAll(frontier.before, value, signal)),
  );
  const values = settled.map((result) => {
    if (result.status === 'rejected') throw result.reason;
    return result.value;
  });
  learnings.forEach(({ fitting }, index) => {
    const given = values[index];
    if (given) fitting.add(given);
  });
}

/** One pass over the sample. Errors: those whose verdict is not a dead letter, and sample-insufficient. */
async function runPass(learnings: readonly Learning[], options: FitOptions, pass: number): Promise<void> {
  const { samples, signal, limit = Number.POSITIVE_INFINITY } = options;
  const source = limited(samples, limit, signal);
  const links = learnings.map(({ frontier }) => titleOf(frontier));
  const total = totalOf(options);
  const counts = { records: 0, skipped: 0 };
  let failed = false;
  const worker = async () => {
    for (let next = await source.next(); !next.done && !failed; next = await source.next()) {
      signal.throwIfAborted();
      const { name, read } = next.value;
      try {
        await learnFrom(learnings, await read(signal), signal);
        counts.records += 1;
      } catch (error) {
        failed = !(error instanceof HeadwaterError) || error.verdict !== 'dead-letter';
        if (!(error instanceof HeadwaterError) || failed) throw error;
        counts.skipped += 1;
        options.onSkip?.(name, error);
      }
      options.onProgress?.({ pass, links, total, ...counts });
    }
  };
  const settled = await Promise.allSettled(Array.from({ length: atOnce }, worker));
  for (const result of settled) if (result.status === 'rejected') throw result.reason;
  signal.throwIfAborted();
  if (counts.records > 0) return;
  const reason =
    counts.skipped > 0 ? `none of ${counts.skipped} records can be used` : 'there are no records';
  throw new HeadwaterError('sample-insufficient', `nothing was fitted: ${reason}`);
}

/** Opens the fitted steps and calls `use` with the steps that can be fitted now. */
export async function withUnfittedSteps<T>(
  context: ChainContext,
  chain: ReadChain,
  use: (frontier: readonly UnfittedStep[]) => Promise<T>,
): Promise<T> {
  const opening = new ChainOpening(context);
  try {
    await opening.open(chain.file.links);
    return await use(opening.frontier);
  } finally {
    await opening.close();
  }
}

/** Fits these steps in one pass and passes each result on. */
export async function fitOnePass<T>(
  context: ChainContext,
  frontier: readonly UnfittedStep[],
  options: FitOptions,
  pass: number,
  finish: (fitting: Fitting) => T,
): Promise<Map<UnfittedStep, T>> {
  const learnings = frontier.map((one) => startLearning(context, one));
  await runPass(learnings, options, pass);
  const results = learnings.map(
    ({ frontier: one, fitting }) => [one, atFrontier(context, one, () => finish(fitting))] as const,
  );
  return new Map(results);
}

export function fittedStepSummary(
  { link, method }: UnfittedStep,
  { artefact }: FittedStep,
): FittedStepSummary {
  return {
    place: link.place,
    method: method.method,
    records: artefact.records,
    digest: artefact.digest,
  };
}

/**
 * Fits all steps that are not fitted yet or whose predecessors have changed; with `again` every one. Errors: config-invalid,
 * model-invalid, sample-insufficient, limit-exceeded, and the signal's reason.
 */
export async function fitChain(path: string, options: FitOptions, again = false): Promise<FitSummary> {
  const chain = await readChain(path);
  const read = await contextOf(chain, options.settings ?? {}, true);
  const artefacts = new Map(again ? [] : read.artefacts);
  const context: ChainContext = { ...read, artefacts };
  const fitted: FittedStepSummary[] = [];
  for (let pass = 1; ; pass += 1) {
    const learned = await withUnfittedSteps(context, chain, async (frontier) =>
      frontier.length === 0
        ? undefined
        : await fitOnePass(context, frontier, options, pass, (fitting) => fitting.finish()),
    );
    if (!learned) return { id: chain.file.id, path: chain.fittedPath, passes: pass - 1, fitted };
    for (const [frontier, artefact] of learned) {
      const link = { artefact, basis: frontier.basis };
      artefacts.set(frontier.link.place, link);
      fitted.push(fittedStepSummary(frontier, link));
    }
    await writeFitted(chain.fittedPath, chain.file.id, artefacts);
  }
}
