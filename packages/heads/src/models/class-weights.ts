/**
 * Kinds that train on individual examples weigh classes equally regardless of their size, so that a rare class is not
 * neglected.
 */

/** Maximum weight of an example, relative to the mean. */
const largestWeight = 50;

/**
 * The weight of each example, about one on average: classes have equal totals, unless they are very small. `labels` are class
 * indices.
 */
export function balancedClassWeights(labels: Int32Array, classes: number): Float64Array {
  const counts = new Float64Array(classes);
  for (const label of labels) counts[label] = (counts[label] ?? 0) + 1;
  const present = counts.reduce((sum, count) => sum + (count > 0 ? 1 : 0), 0);
  return Float64Array.from(labels, (label) =>
    Math.min(largestWeight, labels.length / (present * (counts[label] ?? 1))),
  );
}
