/** Trains a head from a training set, and opens a stored head for predictions. */
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
/** Readers of stored heads; those of kind `mlp` are trained by `trainLayersHead`. */
const openers: Partial<Record<HeadKind, HeadFamily['open']>> = { mlp: openLayers };

/**
 * Trains a head: a pure function of the set and the options (and of `arithmeticOf` the kind), to the last bit, on every
 * machine. It takes a tenth of a second to seconds: call it in a worker thread, on a snapshot of the set taken for this head;
 * the result is a plain object that can be posted.
 *
 * Kind `softmax` trains on individual `examples`: those of the set with the smallest sample keys, ascending; by default the
 * set's sample of 2,000. The other kinds need only the set. `memory` reuses results of the previous head. Errors:
 * head-not-ready for an empty set, sample-incomplete, head-invalid for an unknown kind.
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
  if (set.examples === 0) throw new HeadwaterError('head-not-ready', 'cannot train a head without examples');
  const problem = prepareProblem(set, options);
  const { classes } = problem;
  const read = (most: number) => expandExamples(set, (examples ?? set.sample(sampleLimit)).slice(0, most));
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

/** Maps the examples' vectors to the space of the statistics. */
function expandExamples(set: TrainingInput, examples: readonly LabelledVector[]): readonly LabelledVector[] {
  if (set.lift === null) return examples;
  return examples.map((example) => ({ ...example, vector: set.expand(example.vector) }));
}

/** Makes a stored head ready to predict. Errors: head-invalid. */
export function openHead(head: StoredHead): Classifier {
  const open = openers[head.kind] ?? familyOf(head.kind).open;
  return open(head);
}

function familyOf(kind: HeadKind): HeadFamily {
  const family = families[kind];
  if (family !== undefined) return family;
  throw new HeadwaterError('head-invalid', `unknown head kind ${kind}`, { context: { kind } });
}
