/** Examples that are left out together: a group, or an example without one. */

/** Indices of each fold's examples, in the order of the sample. */
export function findFolds(groups: readonly (string | null)[]): number[][] {
  const folds: number[][] = [];
  const byGroup = new Map<string, number[]>();
  groups.forEach((group, index) => {
    const known = group === null ? undefined : byGroup.get(group);
    if (known) {
      known.push(index);
      return;
    }
    const fold = [index];
    folds.push(fold);
    if (group !== null) byGroup.set(group, fold);
  });
  return folds;
}
