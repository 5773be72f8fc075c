/**
 * Fitting in parts: each process makes one pass over its own share of the sample and writes its state; merged, the parts give
 * exactly the artefacts of a single process. Later steps need parts of a next round.
 */
import { readFile } from 'node:fs/promises';
import { HeadwaterError } from '@headwater/errors';
import type { Fitting, FittingState } from '@headwater/extractors';
import { z } from 'zod';
import { type ChainContext, withStepContext } from './chain-context.ts';
import type { UnfittedStep } from './chain-opening.ts';
import {
  type FitOptions,
  type FitSummary,
  type FittedStepSummary,
  fitOnePass,
  fittedStepSummary,
  titleOf,
  withUnfittedSteps,
} from './fit-chain.ts';
import { writeFitted, writeWhole } from './fitted-file.ts';
import { contextOf, readChain } from './open-chain.ts';

const formatVersion = 1;

const state = z.strictObject({
  method: z.string(),
  formatVersion: z.int(),
  records: z.int().min(0),
  options: z.record(z.string(), z.unknown()),
  state: z.record(z.string(), z.unknown()),
});

const partFile = z.strictObject({
  formatVersion: z.literal(formatVersion),
  extractor: z.string(),
  links: z.record(z.string(), z.strictObject({ basis: z.string(), state })),
});

type Part = z.output<typeof partFile>;

export interface PartSummary {
  readonly id: string;
  readonly links: readonly { readonly place: string; readonly records: number }[];
}

/** Nothing is left to fit. */
function done(path: string): HeadwaterError {
  const message = `${path}: nothing is left to fit; use --again to fit again`;
  return new HeadwaterError('config-invalid', message);
}

/** One pass over a share of the sample, written to `out`. Errors: those of fitChain. */
export async function fitPart(path: string, out: string, options: FitOptions): Promise<PartSummary> {
  const chain = await readChain(path);
  const context = await contextOf(chain, options.settings ?? {}, true);
  const states = await withUnfittedSteps(context, chain, async (frontier) => {
    if (frontier.length === 0) throw done(path);
    return await fitOnePass(context, frontier, options, 1, (fitting) => fitting.save());
  });
  const entries = [...states].map(
    ([{ link, basis }, saved]) => [link.place, { basis, state: saved }] as const,
  );
  const { id } = chain.file;
  await writeWhole(out, { formatVersion, extractor: id, links: Object.fromEntries(entries) });
  return {
    id,
    links: entries.map(
      ([
        place,
        {
          state: { records },
        },
      ]) => ({ place, records }),
    ),
  };
}

async function readPart(path: string, id: string): Promise<Part> {
  const refuse = (reason: string, cause?: unknown) => {
    const message = `part ${path} ${reason}`;
    return new HeadwaterError('config-invalid', message, cause === undefined ? {} : { cause });
  };
  let content: unknown;
  try {
    content = JSON.parse(await readFile(path, 'utf8'));
  } catch (cause) {
    throw refuse('cannot be read, or is truncated', cause);
  }
  const parsed = partFile.safeParse(content);
  if (!parsed.success) throw refuse('is not a part of this version');
  if (parsed.data.extractor !== id) throw refuse(`belongs to ${parsed.data.extractor}, not to ${id}`);
  return parsed.data;
}

function stateIn(part: Part, path: string, frontier: UnfittedStep): FittingState {
  const link = Object.hasOwn(part.links, frontier.link.place) ? part.links[frontier.link.place] : undefined;
  if (link?.basis === frontier.basis) return link.state;
  const reason = link
    ? 'was fitted after other steps than those of the chain now'
    : `has no state of ${titleOf(frontier)}`;
  throw new HeadwaterError('config-invalid', `part ${path} ${reason}; fit it again`);
}

function mergeAt(context: ChainContext, frontier: UnfittedStep, states: readonly FittingState[]): Fitting {
  try {
    const [first, ...others] = states.map((saved) => frontier.method.resume?.(saved));
    if (!first) throw new HeadwaterError('config-invalid', 'cannot be merged');
    for (const other of others) if (other) first.merge(other);
    return first;
  } catch (thrown) {
    throw withStepContext(context, frontier.link, thrown);
  }
}

export interface MergeSummary extends FitSummary {
  /** Steps that can be fitted next, in parts of another round. */
  readonly next: readonly string[];
}

/** Errors: config-invalid, model-invalid, sample-insufficient, statistics-mismatch. */
export async function mergeParts(path: string, parts: readonly string[]): Promise<MergeSummary> {
  const chain = await readChain(path);
  const context = await contextOf(chain, {}, true);
  const { id } = chain.file;
  const read = await Promise.all(parts.map((part) => readPart(part, id)));
  const artefacts = new Map(context.artefacts);
  const fitted: FittedStepSummary[] = [];
  await withUnfittedSteps(context, chain, async (frontier) => {
    if (frontier.length === 0) throw done(path);
    for (const one of frontier) {
      const states = read.map((part, index) => stateIn(part, parts[index] ?? '', one));
      const link = { artefact: mergeAt(context, one, states).finish(), basis: one.basis };
      artefacts.set(one.link.place, link);
      fitted.push(fittedStepSummary(one, link));
    }
  });
  await writeFitted(chain.fittedPath, id, artefacts);
  const next = await withUnfittedSteps({ ...context, artefacts }, chain, async (frontier) =>
    frontier.map(titleOf),
  );
  return { id, path: chain.fittedPath, passes: 1, fitted, next };
}
