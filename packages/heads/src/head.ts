/** From a labelled set to a head, and from a stored head to predictions. */
import { HeadwaterError } from '@headwater/errors';
import type { Classifier, Head, HeadKind, LabelledSet, TrainOptions } from './api.ts';
import { openLabelledSet } from './labelled-set.ts';
import { trainLda } from './lda.ts';
import { decodeLinear, digestHead, encodeLinear, openLinear } from './linear-head.ts';

/**
 * Trains a head: a pure function of the set and the options, to the last bit, on every machine. It computes for a while (a tenth of a
 * second to seconds): call it in a worker thread, on `deserializeLabelledSet(bytes)`; what it returns is a plain object that can be posted.
 * Errors: head-not-ready for an empty set, sample-incomplete, head-invalid for a kind that is not there.
 */
export function trainHead(set: LabelledSet, options: TrainOptions): Head {
  const { kind, mode } = options;
  if (kind !== 'lda') throw unknownKind(kind);
  const opened = openLabelledSet(set);
  if (set.examples === 0) throw new HeadwaterError('head-not-ready', 'A head needs at least one example');
  const { parameters, epsilon, temperature, measurements } = trainLda(opened, options);
  const classes = opened.statistics.classes;
  const encoded = encodeLinear(parameters);
  return {
    kind,
    mode,
    classes,
    dimensions: set.dimensions,
    examples: set.examples,
    parameters: encoded,
    digest: digestHead(kind, mode, classes, encoded),
    setDigest: set.setDigest,
    regularization: epsilon,
    temperature,
    measurements,
  };
}

/** Makes a stored head ready to predict. Errors: head-invalid. */
export function openHead(head: Pick<Head, 'kind' | 'classes' | 'dimensions' | 'parameters'>): Classifier {
  const { kind, classes, dimensions, parameters } = head;
  if (kind !== 'lda') throw unknownKind(kind);
  return openLinear(kind, classes, dimensions, decodeLinear(parameters, classes.length, dimensions));
}

function unknownKind(kind: HeadKind): HeadwaterError {
  return new HeadwaterError('head-invalid', `There is no head of kind ${kind}`, { context: { kind } });
}
