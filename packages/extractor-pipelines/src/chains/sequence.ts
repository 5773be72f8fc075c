/** Links one after the other, as one link. */
import { asHeadwaterError, HeadwaterError } from '@headwater/errors';
import { type Stage, sha256, type Value } from '@headwater/extractors';

/** A link that is open, and where it stands. */
export interface PlacedStage {
  readonly place: string;
  readonly stage: Stage;
}

/** Errors: record-unfit and those of the link, with its place among the context. */
async function applyAt({ place, stage }: PlacedStage, value: Value, signal?: AbortSignal): Promise<Value> {
  if (!stage.takes.includes(value.type)) {
    const missing =
      value.type === 'missing' ? 'it is missing: give the field a default, or impute it' : value.type;
    const message = `${place} (${stage.method}) takes ${stage.takes.join(' or ')}, and was given: ${missing}.`;
    throw new HeadwaterError('record-unfit', message, { context: { link: place } });
  }
  try {
    return await stage.apply(value, signal);
  } catch (thrown) {
    signal?.throwIfAborted();
    // What a link did not foresee is the fault of this record, as far as anyone can tell; the next ones may be fine.
    const { code, message, verdict, context, cause } = asHeadwaterError(thrown, 'extractor-failed');
    throw new HeadwaterError(code, message, { verdict, cause, context: { link: place, ...context } });
  }
}

/** Applies open links in turn. */
export async function applyAll(
  stages: readonly PlacedStage[],
  value: Value,
  signal?: AbortSignal,
): Promise<Value> {
  let current = value;
  for (const placed of stages) current = await applyAt(placed, current, signal);
  return current;
}

/** Numbers of the vector that a run of links gives; null where it gives none. */
export function dimensionsAfter(stages: readonly PlacedStage[]): number | null {
  let dimensions: number | null = null;
  for (const { stage } of stages) {
    if (stage.gives !== 'vector') dimensions = null;
    else dimensions = stage.dimensions ?? dimensions;
  }
  return dimensions;
}

/** SHA-256 over the digests of all links, in their order. */
export function digestOfAll(stages: readonly PlacedStage[]): string {
  return sha256(['headwater-chain-1', ...stages.map(({ stage }) => stage.digest)].join('\n'));
}

/** There is at least one link. The links stay with who opened them: closing the sequence closes none. */
export function sequenceOf(stages: readonly PlacedStage[]): Stage {
  return {
    method: 'chain',
    takes: stages[0]?.stage.takes ?? [],
    gives: stages.at(-1)?.stage.gives ?? 'vector',
    dimensions: dimensionsAfter(stages),
    digest: digestOfAll(stages),
    apply: (value, signal) => applyAll(stages, value, signal),
  };
}
