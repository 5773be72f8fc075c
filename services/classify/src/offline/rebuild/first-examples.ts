/** The examples that a settled head learns one by one, found among all of them in one pass: those with the smallest sample keys. */
import { type LabelledVector, sampleKey } from '@headwater/heads';

interface Keyed {
  readonly key: Buffer;
  readonly example: LabelledVector;
}

/** Examples beyond the wanted ones that wait until they are sorted. */
const slack = 8_192;

/** At most so many, ascending, each with memory of its own: what `readExamples` gives to the trainer. */
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
