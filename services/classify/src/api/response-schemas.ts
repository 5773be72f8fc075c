/** Response schemas for the OpenAPI document. Later versions may add members: clients should ignore unknown ones. */

const time = { type: 'integer', description: 'Milliseconds since the epoch.' } as const;
const count = { type: 'integer', minimum: 0 } as const;
const text = { type: 'string' } as const;
const number = { type: 'number' } as const;
const maybeNumber = { type: ['number', 'null'] } as const;
const maybeText = { type: ['string', 'null'] } as const;
const numbers = { type: 'object', additionalProperties: number } as const;

function object<P extends Readonly<Record<string, object>>>(properties: P, description?: string) {
  return {
    type: 'object',
    additionalProperties: true,
    ...(description === undefined ? {} : { description }),
    properties,
  } as const;
}

function listOf<I extends object>(items: I) {
  return { type: 'array', items } as const;
}

/** The schema of a member that may be null. */
function orNull<S extends object>(schema: S) {
  return { anyOf: [schema, { type: 'null' }] } as const;
}

const coverage = {
  partitions: {
    type: 'array',
    items: count,
    description: 'The partitions of the join that the response covers.',
  },
  ofPartitions: {
    ...count,
    description: 'The number of partitions of the topic.',
  },
} as const;

const asOf = {
  asOf: {
    type: 'integer',
    description: 'Time of the answer, of its oldest part; milliseconds since the epoch.',
  },
} as const;

const completeness = {
  ...asOf,
  partial: {
    type: 'boolean',
    description: 'True where processes do not answer: the response is about the other partitions.',
  },
  missing: {
    type: 'object',
    description: 'The partitions that are missing, by group; left out where none is.',
    properties: { join: { type: 'array', items: count }, train: { type: 'array', items: count } },
  },
} as const;

const headMembers = {
  extractor: text,
  task: text,
  kind: text,
  version: count,
  digest: text,
  setDigest: text,
  arithmetic: {
    type: 'integer',
    minimum: 1,
    description:
      'Raised when a version of Headwater changes the computation of this kind: heads of one training set have equal digests where it is equal.',
  },
  watermark: count,
  mode: { type: 'string', enum: ['provisional', 'settled'] },
  dimensions: count,
  examples: count,
  regularization: maybeNumber,
  temperature: number,
  trainedAt: time,
  serving: { type: 'boolean' },
  pinned: { type: 'boolean' },
} as const;

const headMembersInFull = { ...headMembers, classes: listOf(text), measurements: numbers } as const;
const head = object(headMembersInFull);

export const headSchema = object({ ...headMembersInFull, ...asOf });

const served = object({ labelled: count, correct: count, accuracy: maybeNumber, unanswered: count });

export const taskSchema = object({
  task: text,
  ...completeness,
  head: orNull(head),
  newest: {
    ...orNull(head),
    description:
      'The newest head of the serving series; null where no head is to serve, as after the last label is retracted.',
  },
  served,
  prequential: {
    ...numbers,
    description: 'Of the newest head’s series, with figures of each class where there are at most 50.',
  },
});

const headSummary = object({ ...headMembers, classCount: count });

const taskSummary = object({
  task: text,
  head: orNull(headSummary),
  newest: orNull(headSummary),
  served,
  prequential: {
    ...numbers,
    description: 'Over all classes; the resource of a single task has the figures of each class.',
  },
});

export const tasksSchema = object({ tasks: listOf(taskSummary), join: object(coverage), ...completeness });
export const headsSchema = object({ heads: listOf(head), ...asOf });

const answer = {
  task: text,
  extractor: text,
  head: orNull(object({ kind: text, version: count, digest: text })),
  label: maybeText,
  abstained: { type: 'boolean', description: 'The confidence is below the threshold: the label is a guess.' },
  probabilities: numbers,
  novelty: maybeNumber,
  predictedAt: time,
} as const;

export const answerSchema = object(answer);

export const predictionsSchema = object({
  task: text,
  ...coverage,
  ...completeness,
  predictions: listOf(object({ imageId: text, ...answer, receivedAt: time })),
});

const classScores = object({ precision: number, recall: number, f1: number, support: count });

const averageScores = object(
  { precision: maybeNumber, recall: maybeNumber, f1: maybeNumber, support: count },
  'Null while the count is 0, as is accuracy.',
);

const reportMembers = {
  support: count,
  accuracy: maybeNumber,
  classes: { type: 'object', additionalProperties: classScores },
  macro: averageScores,
  weighted: averageScores,
  micro: averageScores,
  logLoss: maybeNumber,
  brierScore: maybeNumber,
  calibrationError: maybeNumber,
  calibration: listOf(object({ count, correct: count, confidence: number })),
  topK: listOf(number),
  confusion: {
    type: 'array',
    description: 'Truth, prediction, count: all correct predictions, and the most frequent mistakes.',
    items: { type: 'array', items: {} },
  },
  unlistedConfusion: {
    ...count,
    description: 'Mistakes that are not listed, where there are too many pairs of classes.',
  },
  rejection: listOf(object({ threshold: number, given: count, coverage: number, accuracy: number })),
  areaUnderRejectionCurve: maybeNumber,
  worst: listOf(
    object({ imageId: text, label: text, predicted: text, probability: number, logLoss: number }),
  ),
} as const;

const reportSchema = object({
  ...reportMembers,
  abstention: object({ abstained: count, accuracy: maybeNumber }),
  from: { type: ['integer', 'null'] },
  to: { type: ['integer', 'null'] },
});

export const measurementsSchema = object({
  task: text,
  served: object({}),
  prequential: numbers,
  novelty: object({
    blocks: { ...count, description: 'Blocks of 200 images, labelled or not, whose novelty was tested.' },
    drifts: { ...count, description: 'How often the images drifted away from the training set.' },
    driftEvents: listOf(
      object(
        { at: time, extractor: text, kind: text, from: number, to: number },
        'The newest 20 drifts, the newest first: their time, the expected percentile and the mean.',
      ),
    ),
    judgedAt: {
      type: ['integer', 'null'],
      description: 'Time at which the newest block was full, in milliseconds since the epoch.',
    },
    shiftedPartitions: { ...count, description: 'Partitions whose newest block has shifted.' },
    judgedPartitions: { ...count, description: 'Partitions that have tested a block.' },
    mean: {
      ...maybeNumber,
      description: 'Mean percentile of the newest blocks; 0.5 without a shift.',
    },
  }),
  trainedHere: {
    type: 'boolean',
    description:
      'Whether the process that trains the task has answered; where it has not, `series` is empty.',
  },
  /** The head series that are trained. */
  series: listOf(
    object({
      extractor: text,
      task: text,
      kind: text,
      version: { type: ['integer', 'null'] },
      prequential: numbers,
      drifts: object({ errors: count, novelty: count }, 'Number of drifts, by detector.'),
      driftEvents: listOf(
        object(
          { sign: text, at: time, from: number, to: number },
          'The newest 20 drifts: the error rate before and after, or the expected percentile of novelty and the mean.',
        ),
      ),
    }),
  ),
  heads: listOf(
    object({
      extractor: text,
      kind: text,
      version: count,
      mode: text,
      examples: count,
      trainedAt: time,
      measurements: numbers,
    }),
  ),
  ...coverage,
  ...completeness,
  report: reportSchema,
});

export const headReportSchema = object({
  task: text,
  ...asOf,
  extractor: text,
  kind: text,
  version: { ...count, description: 'Version of the newest head of this kind.' },
  over: text,
  considered: { ...count, description: 'Examples that were predicted.' },
  folds: { ...count, description: 'Held-out: folds, each with a head trained without it.' },
  learned: {
    ...count,
    description: 'Held-out: the smallest number of examples that a head of a fold has learned.',
  },
  note: {
    ...maybeText,
    description:
      'Held-out: why no examples were held out (`folds` is 0), or why no prediction can be correct.',
  },
  report: object(reportMembers),
});

export const nextSchema = object({
  task: text,
  ...coverage,
  ...completeness,
  considered: { ...count, description: 'Unlabelled images that were ranked.' },
  images: listOf(
    object({
      imageId: text,
      priority: number,
      margin: maybeNumber,
      novelty: maybeNumber,
      label: { ...maybeText, description: 'The class that the head predicts.' },
    }),
  ),
});

const exampleMembers = { imageId: text, label: text } as const;

export const suspectsSchema = object({
  task: text,
  ...asOf,
  extractor: text,
  considered: count,
  suspects: listOf(object({ ...exampleMembers, suggestion: text, margin: number })),
});

export const neighboursSchema = object({
  task: text,
  ...asOf,
  extractor: text,
  imageId: text,
  considered: count,
  neighbours: listOf(object({ ...exampleMembers, similarity: number })),
});

const influences = listOf(object({ ...exampleMembers, influence: number }));

export const influenceSchema = object({
  task: text,
  ...asOf,
  extractor: text,
  imageId: text,
  label: text,
  considered: count,
  helpful: influences,
  harmful: influences,
});
