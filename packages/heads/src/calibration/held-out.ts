/**
 * Which examples are held out, to see how a head answers what it never saw: parts in which every class has its share and a group stays
 * together. With few examples each part is held out in turn, with many one is enough.
 */
import { findFolds } from '../training-set/folds.ts';

/** Of few examples each is dear: more of them are learned from. */
const fewExamples = 2_000;
const partsOfFew = 10;
const partsOfMany = 5;
/** So many answers tell enough. */
const enoughHeldOut = 1_000;
const mostInPart = 4_000;

/** Examples of each fold that is held out, as indices in their order. `labels` are class indices. */
export function holdOut(groups: readonly (string | null)[], labels: Int32Array, classes: number): number[][] {
  const fewest = labels.length < fewExamples ? partsOfFew : partsOfMany;
  const parts = Math.max(fewest, Math.ceil(labels.length / mostInPart));
  const held: number[][] = [];
  const partOf = dealOut(groups, labels, classes, parts);
  let judged = 0;
  for (let part = 0; part < parts && judged < Math.min(enoughHeldOut, labels.length); part++) {
    const fold = [...partOf.keys()].filter((index) => partOf[index] === part);
    judged += fold.length;
    if (fold.length > 0) held.push(fold);
  }
  return held;
}

/**
 * Each class is dealt out in turn, the first to the last part: where only the first parts are held out, classes with hardly any examples are
 * not, and are learned from.
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
