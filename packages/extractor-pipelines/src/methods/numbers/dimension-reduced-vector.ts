/** Reduces the dimensions of vectors: principal components, fitted on a sample, or a random projection, which needs none. */
import { type FittedArtefact, readOptions, type Stage, type StageMethod } from '@headwater/extractors';
import { dot } from '@headwater/heads/algebra';
import { z } from 'zod';
import { openArtefact } from '../../learning/artefact.ts';
import { fittingsOf } from '../../learning/fitting.ts';
import { makeStage } from '../../learning/make-stage.ts';
import { completeVectorOf } from '../../learning/values.ts';
import { ComponentLearner, learnedComponents } from './principal-components.ts';
import { mostEntries, openProjection } from './random-projection.ts';

const method = 'dimension-reduced-vector';
const takes = ['vector'] as const;
const dimensions = z.int().min(1).max(2048);

const componentOptions = z
  .strictObject({
    using: z.literal('pca'),
    dimensions: dimensions.optional(),
    /** In place of dimensions: the share of the variance that the components must explain together. */
    share: z.number().gt(0).lte(1).optional(),
    /** Divides each component by its deviation. */
    whiten: z.boolean().default(false),
  })
  .refine((given) => (given.dimensions === undefined) !== (given.share === undefined), {
    message: 'give either dimensions or share',
    path: ['dimensions'],
  });

const projectionOptions = z
  .strictObject({
    using: z.literal('random'),
    dimensions,
    /** Dimensions of the vectors that it takes. */
    input: z.int().min(1).max(65_536),
    seed: z.int().min(0).max(0xffffffff).default(1),
    sparse: z.boolean().default(true),
  })
  .refine((given) => given.dimensions * given.input <= mostEntries, {
    message: `dimensions × input must be at most ${mostEntries}`,
    path: ['dimensions'],
  });

/** Principal components are the default. */
function orComponents(given: unknown): unknown {
  return given !== null && typeof given === 'object' ? { using: 'pca', ...given } : given;
}

const optionsSchema = z.preprocess(
  orComponents,
  z.discriminatedUnion('using', [componentOptions, projectionOptions]),
);

const format = { method, formatVersion: 1, learned: learnedComponents };

export const dimensionReducedVector: StageMethod = {
  method,
  takes,
  gives: 'vector',
  ...fittingsOf({
    method,
    formatVersion: format.formatVersion,
    takes,
    options: z.preprocess(orComponents, componentOptions),
    start: (options) => new ComponentLearner(method, options),
    restore: (options) => ComponentLearner.saved(method, options),
  }),
  learns: (given) => readOptions(optionsSchema, given).using === 'pca',
  open(given, artefact) {
    const options = readOptions(optionsSchema, given);
    if (options.using === 'pca') return openComponents(options, artefact);
    const project = openProjection(options);
    return makeStage({
      method,
      version: 1,
      takes,
      gives: 'vector',
      dimensions: options.dimensions,
      options,
      apply: (value) => ({ type: 'vector', vector: project(completeVectorOf(method, value, options.input)) }),
    });
  },
};

function openComponents(
  options: z.output<typeof componentOptions>,
  artefact: FittedArtefact | undefined,
): Stage {
  const { mean, components, variances } = openArtefact(format, options, artefact);
  const rows = variances.map((variance, k) => {
    const row = Float64Array.from(components.subarray(k * mean.length, (k + 1) * mean.length));
    return { row, divisor: options.whiten ? Math.sqrt(variance) : 1 };
  });
  return makeStage({
    method,
    version: 1,
    takes,
    gives: 'vector',
    dimensions: rows.length,
    options,
    artefact: artefact?.digest,
    apply(value) {
      const vector = completeVectorOf(method, value, mean.length);
      const centred = mean.map((entry, i) => (vector[i] ?? 0) - entry);
      return {
        type: 'vector',
        vector: Float32Array.from(rows, ({ row, divisor }) => dot(row, centred) / divisor),
      };
    },
  });
}
