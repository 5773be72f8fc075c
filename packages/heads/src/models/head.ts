/** From a labelled set to a head, and from a stored head to predictions. */
import { HeadwaterError } from '@headwater/errors';
import type { Classifier, Head, HeadKind, LabelledVector, TrainingSet, TrainOptions } from '../api.ts';
import { sampleLimit } from '../training-set/bottom-k-sample.ts';
import { openTrainingInput, type SetSnapshot } from '../training-set/set-snapshot.ts';
import { arithmeticOf } from './arithmetic.ts';
import { openLayers } from './dense-layers.ts';
import { DiscriminantCache } from './discriminant-cache.ts';
import type { HeadFamily, StoredHead } from './head-family.ts';
import { knn } from './knn/knn.ts';
import { lda, trainDiscriminant } from './lda/lda.ts';
import { digestHead } from './linear-head.ts';
import { ncm } from './ncm/ncm.ts';
import { ridge } from './ridge/ridge.ts';
import { softmax } from './softmax/softmax.ts';
import { prepareProblem, type TrainingInput } from './training-problem.ts';

const families: Partial<Record<HeadKind, HeadFamily>> = { lda, ridge, ncm, knn, softmax };
/** How stored heads are read; those of kind `mlp` are trained by `trainLayersHead`. */
const openers: Partial<Record<HeadKind, HeadFamily['open']>> = { mlp: openLayers };

/**
 * Trains a head: a pure function of the set and the options, to the last bit, on every machine (and of `arithmeticOf` the kind). It computes for a while (a tenth of a
 * second to seconds): call it in a worker thread, on a snapshot of the set taken for this head; what it returns is a plain object that can be
 * posted. Kind `softmax` learns from `examples` one by one: those of the set with the smallest sample keys, ascending; by default the set's
 * sample of 2,000. The other kinds need no more than the set. `memory` spares a head what the one before it has found.
 * Errors: head-not-ready for an empty set, sample-incomplete, head-invalid for a kind that is not there.
 */
export function trainHead(
  from: TrainingSet | SetSnapshot,
  options: TrainOptions,
  examples?: readonly LabelledVector[],
  memory = new DiscriminantCache(),
): Head {
  const { kind, mode } = options;
  const family = familyOf(kind);
  const set = openTrainingInput(from);
  if (set.examples === 0) throw new HeadwaterError('head-not-ready', 'A head needs at least one example');
  const problem = prepareProblem(set, options);
  const { classes } = problem;
  const read = (most: number) => expandAll(set, (examples ?? set.sample(sampleLimit)).slice(0, most));
  const discriminant = () => memory.discriminantOf(set, options, () => trainDiscriminant(problem));
  const trained = family.train(problem, read, discriminant);
  return {
    kind,
    mode,
    classes,
    dimensions: set.dimensions,
    examples: set.examples,
    digest: digestHead(kind, mode, classes, trained.parameters),
    setDigest: set.setDigest,
    arithmetic: arithmeticOf(kind),
    ...trained,
  };
}

/** As what the statistics are of. */
function expandAll(set: TrainingInput, examples: readonly LabelledVector[]): readonly LabelledVector[] {
  if (set.lift === null) return examples;
  return examples.map((example) => ({ ...example, vector: set.raise(example.vector) }));
}

/** Makes a stored head ready to predict. Errors: head-invalid. */
export function openHead(head: StoredHead): Classifier {
  const open = openers[head.kind] ?? familyOf(head.kind).open;
  return open(head);
}

function familyOf(kind: HeadKind): HeadFamily {
  const family = families[kind];
  if (family !== undefined) return family;
  throw new HeadwaterError('head-invalid', `There is no head of kind ${kind}`, { context: { kind } });
}
