/** Compares the expected examples with those of the topic. */
import { setImmediate } from 'node:timers/promises';
import type { ExampleTable, LabelledExample } from './example-table.ts';

export interface TableComparison {
  readonly equal: number;
  /** Examples from labels and vectors that the topic lacks. */
  readonly missing: number;
  /** Examples of the topic without a matching label and vector. */
  readonly extra: number;
  /** Same image, but another label, vector, group, time or annotator. */
  readonly different: number;
}

export async function compareExamples(
  rebuilt: AsyncIterable<LabelledExample>,
  table: Pick<ExampleTable, 'get' | 'size'>,
): Promise<TableComparison> {
  const counts = { equal: 0, missing: 0, different: 0 };
  for await (const example of rebuilt) {
    const found = await table.get(example.imageId);
    if (found === undefined) counts.missing++;
    else if (isSame(example, found)) counts.equal++;
    else counts.different++;
    if ((counts.equal & 1023) === 0) await setImmediate();
  }
  return { ...counts, extra: table.size - counts.equal - counts.different };
}

function isSame(a: LabelledExample, b: LabelledExample): boolean {
  return (
    a.label === b.label &&
    a.group === b.group &&
    a.assignedAt === b.assignedAt &&
    a.annotator === b.annotator &&
    a.vector.length === b.vector.length &&
    a.vector.every((entry, index) => entry === b.vector[index])
  );
}
