/**
 * Examples beyond the sample of a training set, within the memory limit: settled softmax and mlp heads learn
 * from each of them.
 */
import {
  type HeadKind,
  type HeadMode,
  type LabelledVector,
  learnsFromExamples,
  maximumLearnedExamples,
  type TrainingSet,
} from '@headwater/heads';
import { EventLoopBudget } from '../../event-loop.ts';
import type { StateReader } from '../../store/state.ts';
import { storedExamples } from './trainer-state.ts';

/** Other kinds, and provisional heads, need only what the training set keeps. */
export function needsAdditionalExamples(kind: HeadKind, mode: HeadMode): boolean {
  return mode === 'settled' && learnsFromExamples(kind);
}

/** Reads the examples with the smallest sample keys, ascending. Errors: the signal's reason. */
export async function readExamples(
  reader: StateReader,
  { extractor, task, dimensions }: Pick<TrainingSet, 'extractor' | 'task' | 'dimensions'>,
  signal: AbortSignal,
): Promise<readonly LabelledVector[]> {
  const most = maximumLearnedExamples(dimensions);
  const eventLoop = new EventLoopBudget();
  const examples: LabelledVector[] = [];
  for (const example of storedExamples(reader, extractor, task)) {
    if (examples.length === most) break;
    examples.push(example);
    await eventLoop.yieldIfDue(signal);
  }
  return examples;
}
