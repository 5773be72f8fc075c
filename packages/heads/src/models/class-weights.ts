/** Heads that learn examples one by one count classes alike, whatever their number: a class is not forgotten because it is rare. */

/** No example weighs more than this many of the mean. */
const largestWeight = 50;

/** The weight of each example, about one on average: classes weigh alike, unless they are very small. `labels` are class indices. */
export function balancedClassWeights(labels: Int32Array, classes: number): Float64Array {
  const counts = new Float64Array(classes);
  for (const label of labels) counts[label] = (counts[label] ?? 0) + 1;
  const present = counts.reduce((sum, count) => sum + (count > 0 ? 1 : 0), 0);
  return Float64Array.from(labels, (label) =>
    Math.min(largestWeight, labels.length / (present * (counts[label] ?? 1))),
  );
}
