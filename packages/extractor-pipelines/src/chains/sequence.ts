/** A sequence of steps as one step. */
import { asHeadwaterError, HeadwaterError } from '@headwater/errors';
import { type Stage, sha256, type Value } from '@headwater/extractors';

/** An open step and its place. */
export interface PlacedStage {
  readonly place: string;
  readonly stage: Stage;
}

/** Errors: record-unfit and those of the step, with its place in the context. */
async function applyAt({ place, stage }: PlacedStage, value: Value, signal?: AbortSignal): Promise<Value> {
  if (!stage.takes.includes(value.type)) {
    const missing =
      value.type === 'missing' ? 'a missing value: give the field a default, or impute it' : value.type;
    const message = `${place} (${stage.method}) takes ${stage.takes.join(' or ')}, but was given ${missing}`;
    throw new HeadwaterError('record-unfit', message, { context: { link: place } });
  }
  try {
    return await stage.apply(value, signal);
  } catch (thrown) {
    signal?.throwIfAborted();
    // An unexpected error counts as a fault of this record, since later records may succeed.
    const { code, message, verdict, context, cause } = asHeadwaterError(thrown, 'extractor-failed');
    throw new HeadwaterError(code, message, { verdict, cause, context: { link: place, ...context } });
  }
}

/** Applies open steps in turn. */
export async function applyAll(
  stages: readonly PlacedStage[],
  value: Value,
  signal?: AbortSignal,
): Promise<Value> {
  let current = value;
  for (const placed of stages) current = await applyAt(placed, current, signal);
  return current;
}

/** Dimensions of the vector that a sequence of steps gives; null if it gives none. */
export function dimensionsAfter(stages: readonly PlacedStage[]): number | null {
  let dimensions: number | null = null;
  for (const { stage } of stages) {
    if (stage.gives !== 'vector') dimensions = null;
    else dimensions = stage.dimensions ?? dimensions;
  }
  return dimensions;
}

/** SHA-256 over the digests of all steps, in their order. */
export function digestOfAll(stages: readonly PlacedStage[]): string {
  return sha256(['headwater-chain-1', ...stages.map(({ stage }) => stage.digest)].join('\n'));
}

/** Requires at least one step. The caller keeps ownership: closing the sequence closes no step. */
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
