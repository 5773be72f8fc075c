/**
 * Lets the links of a chain learn from a sample. One pass over the sample fits every link whose predecessors are ready; links behind those
 * learn in the next pass, until all are done. What was learned is kept after each pass, so that an interruption costs one pass at most.
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
  /** One that can't be read is left out: errors whose verdict is a dead letter. */
  readonly read: (signal: AbortSignal) => Promise<SourceRecord>;
}

export interface Sample {
  readonly name: string;
  /** How many records there are, where that is known. */
  readonly size: number | undefined;
  /** From the beginning, each time. */
  readonly records: (signal: AbortSignal) => AsyncIterable<SampleRecord>;
}

export interface FitProgress {
  /** Counts from one. */
  readonly pass: number;
  /** The links that learn in it, e.g. `chain.1 (standardized-vector)`. */
  readonly links: readonly string[];
  readonly records: number;
  readonly skipped: number;
  readonly total: number | undefined;
}

export interface FitOptions {
  readonly samples: readonly Sample[];
  readonly settings?: ExtractorOptions;
  readonly signal: AbortSignal;
  /** Records at most, over all samples. */
  readonly limit?: number;
  readonly onProgress?: (progress: FitProgress) => void;
  /** Told of each record that nothing could be learned from. */
  readonly onSkip?: (name: string, error: HeadwaterError) => void;
}

/** A link that has learned, and from how many records. */
export interface FittedStepSummary {
  readonly place: string;
  readonly method: string;
  readonly records: number;
  readonly digest: string;
}

export interface FitSummary {
  readonly id: string;
  /** Where what was learned lies. */
  readonly path: string;
  readonly passes: number;
  /** What was learned now; empty where there was nothing left to learn. */
  readonly fitted: readonly FittedStepSummary[];
}

/** Records under way at once: enough for engines to share calls. */
const atOnce = 16;

export function titleOf({ link }: UnfittedStep): string {
  return `${link.place} (${link.method})`;
}

interface Learning {
  readonly frontier: UnfittedStep;
  readonly fitting: Fitting;
}

/** Runs a part of one link's learning; an error says which link. */
function atFrontier<T>(context: ChainContext, { link }: UnfittedStep, work: () => T): T {
  try {
    return work();
  } catch (thrown) {
    throw withStepContext(context, link, thrown);
  }
}

function startLearning(context: ChainContext, frontier: UnfittedStep): Learning {
  const fitting = atFrontier(context, frontier, () => frontier.method.fit?.(frontier.options));
  if (!fitting) throw new HeadwaterError('unexpected', `${titleOf(frontier)} does not learn.`);
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

/** A record that one link can't use is no record of the stream: it would be a dead letter there. */
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
  throw new HeadwaterError('sample-insufficient', `Nothing was learned: ${reason}.`);
}

/** Opens what is ready, and lets `use` work with the links that can learn now. */
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

/** Lets the links that can learn now learn in one pass, and hands on what became of each. */
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
 * Lets all links learn that have not yet, or whose predecessors have changed since; with `again` every one.
 * Errors: config-invalid, model-invalid, sample-insufficient, limit-exceeded, and the signal's reason.
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
