/** What the routes answer, for the OpenAPI document. Members may be added later: clients should pass over those that they do not know. */

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
    description: 'The partitions that this process works on, and that the answer covers.',
  },
  ofPartitions: {
    ...count,
    description: 'How many partitions there are: where it is more, other processes know the rest.',
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
      'Raised when a version of Headwater changes what this kind computes: heads of one set have one digest where it is the same.',
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

export const headSchema = object({ ...headMembers, classes: listOf(text), measurements: numbers });

const served = object({ labelled: count, correct: count, accuracy: maybeNumber, unanswered: count });

export const taskSchema = object({
  task: text,
  head: orNull(headSchema),
  newest: {
    ...orNull(headSchema),
    description:
      'The newest head of the line that serves; null where nothing is to serve, as when the last label is gone.',
  },
  served,
  prequential: {
    ...numbers,
    description: 'Of the newest head’s line, class by class where there are at most 50.',
  },
});

const headSummary = object({ ...headMembers, classCount: count });

const taskSummary = object({
  task: text,
  head: orNull(headSummary),
  newest: orNull(headSummary),
  served,
  prequential: { ...numbers, description: 'Over all classes; one by one they are told of a single task.' },
});

export const tasksSchema = object({ tasks: listOf(taskSummary), join: object(coverage) });
export const headsSchema = object({ heads: listOf(headSchema) });

const answer = {
  task: text,
  extractor: text,
  head: orNull(object({ kind: text, version: count, digest: text })),
  label: maybeText,
  abstained: { type: 'boolean', description: 'The head is not sure enough: the label is a guess.' },
  probabilities: numbers,
  novelty: maybeNumber,
  predictedAt: time,
} as const;

export const answerSchema = object(answer);

export const predictionsSchema = object({
  task: text,
  ...coverage,
  predictions: listOf(object({ imageId: text, ...answer, receivedAt: time })),
});

const classScores = object({ precision: number, recall: number, f1: number, support: count });

const averageScores = object(
  { precision: maybeNumber, recall: maybeNumber, f1: maybeNumber, support: count },
  'Null while nothing was counted, as is accuracy.',
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
    description: 'Truth, answer, count: all right answers, and the most frequent mistakes.',
    items: { type: 'array', items: {} },
  },
  unlistedConfusion: {
    ...count,
    description: 'Mistakes that are not listed, where they are of too many sorts.',
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
    blocks: { ...count, description: 'Blocks of 200 images, labelled or not, whose novelty was judged.' },
    drifts: { ...count, description: 'How often images became newer than what was learned.' },
    driftEvents: listOf(
      object(
        { at: time, extractor: text, kind: text, from: number, to: number },
        'The newest 20 of them, the newest first: when, and from the usual percentile to which mean.',
      ),
    ),
    judgedAt: {
      type: ['integer', 'null'],
      description: 'When the newest block was full. Milliseconds since the epoch.',
    },
    shiftedPartitions: { ...count, description: 'Partitions whose newest block looks newer.' },
    judgedPartitions: { ...count, description: 'Partitions that have judged a block.' },
    mean: {
      ...maybeNumber,
      description: 'Mean percentile of the newest blocks; 0.5 while nothing has shifted.',
    },
  }),
  trainedHere: {
    type: 'boolean',
    description:
      'This process trains the task: where it is false, `series` is empty here, and another process has them.',
  },
  /** What this process trains, kind by kind. */
  series: listOf(
    object({
      extractor: text,
      task: text,
      kind: text,
      version: { type: ['integer', 'null'] },
      prequential: numbers,
      drifts: object({ errors: count, novelty: count }, 'How often they were told, by their sign.'),
      driftEvents: listOf(
        object(
          { sign: text, at: time, from: number, to: number },
          'The newest 20 drifts: the share of errors before and then, or the usual percentile of novelty and the mean then.',
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
  report: reportSchema,
});

export const headReportSchema = object({
  task: text,
  extractor: text,
  kind: text,
  version: { ...count, description: 'Of the newest head of this kind.' },
  over: text,
  considered: { ...count, description: 'Examples that were answered.' },
  folds: { ...count, description: 'Held-out: heads that were trained, each without its share.' },
  learned: { ...count, description: 'Held-out: examples that each of these heads has learned, at least.' },
  note: {
    ...maybeText,
    description: 'Held-out: why nothing was held out (`folds` is 0), or why no answer can be right.',
  },
  report: object(reportMembers),
});

export const nextSchema = object({
  task: text,
  ...coverage,
  considered: { ...count, description: 'Images without a label that were looked at.' },
  images: listOf(
    object({
      imageId: text,
      priority: number,
      margin: maybeNumber,
      novelty: maybeNumber,
      label: { ...maybeText, description: 'What the head guesses.' },
    }),
  ),
});

const exampleMembers = { imageId: text, label: text } as const;

export const suspectsSchema = object({
  task: text,
  extractor: text,
  considered: count,
  suspects: listOf(object({ ...exampleMembers, suggestion: text, margin: number })),
});

export const neighboursSchema = object({
  task: text,
  extractor: text,
  imageId: text,
  considered: count,
  neighbours: listOf(object({ ...exampleMembers, similarity: number })),
});

const influences = listOf(object({ ...exampleMembers, influence: number }));

export const influenceSchema = object({
  task: text,
  extractor: text,
  imageId: text,
  label: text,
  considered: count,
  helpful: influences,
  harmful: influences,
});
