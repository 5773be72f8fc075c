/** Parallel branches: each takes the same value, and their vectors are concatenated in the order of the file. */
import {
  canonicalJson,
  type Stage,
  sha256,
  type Value,
  type ValueType,
  valueTypes,
} from '@headwater/extractors';
import type { Weight } from './chain-file.ts';

export interface JoinedBranch {
  readonly name: string;
  readonly weight: Weight;
  /** Gives a vector of known dimensions. */
  readonly stage: Stage;
}

function factorOf({ weight, stage }: JoinedBranch): number {
  return Math.fround(weight === 'balanced' ? 1 / Math.sqrt(stage.dimensions ?? 1) : weight);
}

function concatenate(
  values: readonly Value[],
  branches: readonly JoinedBranch[],
  dimensions: number,
): Float32Array {
  const joined = new Float32Array(dimensions);
  let at = 0;
  for (const [index, branch] of branches.entries()) {
    const value = values[index];
    const factor = factorOf(branch);
    if (value?.type === 'vector')
      joined.set(factor === 1 ? value.vector : value.vector.map((x) => x * factor), at);
    at += branch.stage.dimensions ?? 0;
  }
  return joined;
}

/** The types that all branches take. */
function commonTypes(branches: readonly Pick<Stage, 'takes'>[]): ValueType[] {
  return valueTypes.filter((type) => branches.every(({ takes }) => takes.includes(type)));
}

export function concatenateBranches(branches: readonly JoinedBranch[]): Stage {
  const dimensions = branches.reduce((sum, { stage }) => sum + (stage.dimensions ?? 0), 0);
  const parts = branches.map(({ name, weight, stage }) => [name, weight, stage.digest]);
  return {
    method: 'branches',
    takes: commonTypes(branches.map(({ stage }) => stage)),
    gives: 'vector',
    dimensions,
    digest: sha256(`headwater-branches-1\n${canonicalJson(parts)}`),
    async apply(value, signal) {
      // Waits for all branches and reports the first error in order: the error of a record does not depend on timing.
      const settled = await Promise.allSettled(
        branches.map(async ({ stage }) => await stage.apply(value, signal)),
      );
      const vectors = settled.map((result) => {
        if (result.status === 'rejected') throw result.reason;
        return result.value;
      });
      return { type: 'vector', vector: concatenate(vectors, branches, dimensions) };
    },
  };
}
