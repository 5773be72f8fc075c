/**
 * Selects the examples with the smallest sample keys in one pass, for settled heads that learn from each of
 * them.
 */
import { type LabelledVector, sampleKey } from '@headwater/heads';

interface Keyed {
  readonly key: Buffer;
  readonly example: LabelledVector;
}

/** Excess examples that are kept until the next sort. */
const slack = 8_192;

/** Ascending, each with its own memory, as `readExamples` returns them to the trainer. */
export async function bottomKExamples(
  examples: AsyncIterable<LabelledVector>,
  most: number,
): Promise<readonly LabelledVector[]> {
  let kept: Keyed[] = [];
  let bound: Buffer | null = null;
  for await (const { imageId, label, group, vector } of examples) {
    const key = Buffer.from(sampleKey({ imageId, group }));
    if (bound !== null && Buffer.compare(key, bound) >= 0) continue;
    kept.push({ key, example: { imageId, label, group, vector: vector.slice() } });
    if (kept.length < most + slack) continue;
    kept = sorted(kept).slice(0, most);
    bound = kept.at(-1)?.key ?? null;
  }
  return sorted(kept)
    .slice(0, most)
    .map(({ example }) => example);
}

function sorted(kept: readonly Keyed[]): Keyed[] {
  return [...kept].sort((a, b) => Buffer.compare(a.key, b.key));
}
