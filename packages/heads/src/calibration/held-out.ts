/**
 * Chooses the examples to hold out, to measure a head on unseen examples: folds in which every class has its share and a group
 * stays together. With few examples each fold is held out in turn; with many, one fold is enough.
 */
import { findFolds } from '../training-set/folds.ts';

/** Up to this many examples, more of them are used for training. */
const fewExamples = 2_000;
const partsOfFew = 10;
const partsOfMany = 5;
/** Predictions that give a sufficiently precise estimate. */
const enoughHeldOut = 1_000;
const maximumFoldSize = 4_000;

/** Examples of each held-out fold, as ascending indices. `labels` are class indices. */
export function holdOut(groups: readonly (string | null)[], labels: Int32Array, classes: number): number[][] {
  const fewest = labels.length < fewExamples ? partsOfFew : partsOfMany;
  const parts = Math.max(fewest, Math.ceil(labels.length / maximumFoldSize));
  const held: number[][] = [];
  const partOf = dealOut(groups, labels, classes, parts);
  let evaluated = 0;
  for (let part = 0; part < parts && evaluated < Math.min(enoughHeldOut, labels.length); part++) {
    const fold = [...partOf.keys()].filter((index) => partOf[index] === part);
    evaluated += fold.length;
    if (fold.length > 0) held.push(fold);
  }
  return held;
}

/**
 * Distributes each class in turn from the first fold to the last. Where only the first folds are held out, classes with very
 * few examples are therefore not held out but used for training.
 */
function dealOut(
  groups: readonly (string | null)[],
  labels: Int32Array,
  classes: number,
  parts: number,
): Int32Array {
  const partOf = new Int32Array(labels.length);
  const dealt = new Int32Array(classes);
  for (const fold of findFolds(groups)) {
    const label = labels[fold[0] ?? 0] ?? 0;
    const turn = dealt[label] ?? 0;
    dealt[label] = turn + 1;
    for (const index of fold) partOf[index] = parts - 1 - (turn % parts);
  }
  return partOf;
}
