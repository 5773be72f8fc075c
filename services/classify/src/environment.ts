/** The environment variables of classify. */
import { advertisedUrl, httpEnvironment, peerEnvironment } from '@headwater/http';
import { taskProblem, taskRule } from '@headwater/schemas';
import { commonEnvironment, groupEnvironment, variables } from '@headwater/service-kit';
import type { z } from 'zod';
import { parseErrorRates } from './predict/decision-policy.ts';
import type { ExampleWindow } from './train/examples/example-window.ts';

const { byteSize, choice, duration, integer, list, port, text } = variables;
const MiB = 1024 * 1024;

const roles = ['join', 'train', 'api'] as const;
/** Kinds of heads that the trainer can solve. */
export const trainedKinds = ['lda', 'ridge', 'ncm', 'softmax', 'knn', 'mlp'] as const;
const kindsWanted = `some of ${trainedKinds.join(', ')}, each once, separated by commas`;

/** A duration, or a plain number of examples. */
function window() {
  const wanted = 'a number of examples such as 10000, or a time such as 30d';
  return text(wanted)
    .refine((given) => windowOf(given) !== undefined, `expected ${wanted}`)
    .transform((given): ExampleWindow => windowOf(given) ?? { newest: 1 });
}

function windowOf(given: string): ExampleWindow | undefined {
  if (/^[1-9][0-9]{0,8}$/.test(given)) return { newest: Number(given) };
  const span = duration({ min: 1 }).safeParse(given);
  return span.success ? { span: span.data } : undefined;
}

function snapshotsOf(given: string): number | 'off' | undefined {
  if (given === 'off') return given;
  return duration({ min: 1_000 }).safeParse(given).data;
}

function areKinds(given: readonly string[]): boolean {
  const known = given.every((kind) => (trainedKinds as readonly string[]).includes(kind));
  return known && given.length > 0 && new Set(given).size === given.length;
}

export const classifyEnvironment = commonEnvironment.safeExtend({
  ...groupEnvironment,
  ROLES: list('some of join, train, api, separated by commas')
    .refine(
      (given) => given.every((role) => (roles as readonly string[]).includes(role)),
      'expected some of join, train, api, separated by commas',
    )
    .default([...roles])
    .describe('What this process does; several processes may share the work.'),
  EXTRACTORS: list('extractor ids, separated by commas')
    .refine(
      (ids) => !ids.some((id) => /\.ya?ml$/.test(id)),
      'expected ids, separated by commas: the id that a file states, not its path (which EXTRACTOR_FILES takes)',
    )
    .default(['efficientnet-lite0.v1'])
    .describe('Extractors whose vectors are read, in order of preference: the first one with a head serves.'),
  EXTRACTOR_FILES: list('paths of files (.yaml), separated by commas')
    .default([])
    .describe(
      'Nets and chains of your own among EXTRACTORS: needed only where images of their tasks are sent to POST /v1/tasks/{task}/classify.',
    ),
  TASKS: list('tasks, separated by commas')
    .refine(
      (tasks) => tasks.every((task) => taskProblem(task) === undefined),
      `expected tasks, separated by commas; a task is: ${taskRule}`,
    )
    .default([])
    .describe('Tasks that every image is asked, also before they have a head; others follow from labels.'),
  ...httpEnvironment,
  HTTP_PORT: port().default(8082).describe('Port of the HTTP interface; 0 takes a free one.'),
  HTTP_ADVERTISED_URL: advertisedUrl(),
  ...peerEnvironment,
  SETTLE_AFTER_MS: integer({ min: 10, max: 3_600_000 })
    .default(2_000)
    .describe('After so many milliseconds without labels, a settled head is solved.'),
  HEADS: list(kindsWanted)
    .refine(areKinds, `expected ${kindsWanted}`)
    .transform((given) => given as (typeof trainedKinds)[number][])
    .default(['lda'])
    .describe(
      'Kinds of heads that learn side by side, in order of preference; the one with the best scores serves.',
    ),
  MLP_UNITS: integer({ min: 1, max: 4_096 })
    .default(500)
    .describe('Units of the hidden layer of heads of kind mlp.'),
  WINDOW: window()
    .optional()
    .describe(
      'Only the newest so many examples of a task count, or those labelled in so long a time before the newest; default all.',
    ),
  LIFT: integer({ min: 4, max: 16_384 })
    .refine((given) => given % 4 === 0, 'expected a multiple of 4')
    .optional()
    .describe(
      'Dimensions of a fixed random projection that vectors go through before heads learn them (RanPAC), a multiple of 4: more accurate, and as much slower; default none.',
    ),
  PRIOR: choice(['uniform', 'empirical'])
    .default('uniform')
    .describe(
      'How probable classes are before anything is seen: all the same, or as often as they are labelled.',
    ),
  TASK_SETTINGS: text('path of a YAML file')
    .optional()
    .describe(
      'What is otherwise for single tasks: heads, window, prior, lift, mlpUnits and maxExamples, as YAML {tasks: {task: {key: value}}}. The same for all processes.',
    ),
  MAX_ERROR_RATE: list('rates from 0.001 to below 1, each for all tasks or as task=rate, separated by commas')
    .refine(
      (words) => parseErrorRates(words) !== undefined,
      'expected rates from 0.001 to below 1, each for all tasks (0.02) or for one (digit=0.01), separated by commas',
    )
    .default([])
    .describe(
      'How many of the answers may be wrong; a head that is less sure than that abstains. Without it, heads always answer.',
    ),
  COSTS_FILE: text('path of a JSON file')
    .optional()
    .describe(
      'What mistakes cost, as JSON {task: {truth: {answer: cost}}}: the answer with the smallest expected cost is given.',
    ),
  HEAD_INLINE_BYTES: byteSize({ min: 0, max: 8 * MiB })
    .default(MiB)
    .meta({ shownDefault: '1MiB' })
    .describe('Parameters of a head that are larger go to the blob store.'),
  MAX_TASKS: integer({ min: 1, max: 10_000 })
    .default(100)
    .describe('Tasks that labels may create, for each partition; labels for more are dead letters.'),
  MAX_EXAMPLES: integer({ min: 1, max: 2 ** 27 })
    .optional()
    .describe(
      'Examples of a task and extractor; further ones are dead letters. Default as many as are summed exactly: 134,217,728, with LIFT 67,108,864.',
    ),
  MAX_CLASSES: integer({ min: 2, max: 100_000 })
    .default(1_000)
    .describe(
      'Classes that labels may create in a task, for each partition; labels for more are dead letters.',
    ),
  MAX_CLOCK_SKEW: duration({ min: 0 })
    .default(300_000)
    .meta({ shownDefault: '5m' })
    .describe('Labels whose time lies further in the future are dead letters.'),
  MAX_STORE_AGE: duration({ min: 60_000 })
    .default(259_200_000)
    .meta({ shownDefault: '3d' })
    .describe(
      'A local store left alone for longer is rebuilt; must be less than delete.retention.ms of the topics.',
    ),
  STORE_SNAPSHOTS: text('off, or an interval such as 1d')
    .refine(
      (given) => snapshotsOf(given) !== undefined,
      'expected off, or an interval of at least 1s such as 1d',
    )
    .transform((given): number | 'off' => snapshotsOf(given) ?? 'off')
    .optional()
    .describe(
      'How often the local store of each partition is copied to BLOB_STORE, from which a process with an empty disk restores it; at most half of MAX_STORE_AGE. Default 1d where BLOB_STORE is on S3 or BLOB_STORE_SHARED is true, otherwise off. Snapshots that may hold erased images are deleted within this time.',
    ),
  RECORDS_PER_COMMIT: integer({ min: 1, max: 10_000 })
    .default(256)
    .describe('Records of a partition that are committed together at most.'),
  BATCH_LINGER: duration({ min: 0, max: 10_000 })
    .default(10)
    .meta({ shownDefault: '10ms' })
    .describe('How long a record may wait for others to share its transaction.'),
  COMMIT_REST: duration({ min: 0, max: 10_000 })
    .default(100)
    .meta({ shownDefault: '100ms' })
    .describe(
      'How long a partition rests between two transactions that are not full: fewer of them under load. What comes after a pause does not wait.',
    ),
  MAX_IMAGE_BYTES: byteSize({ min: 1_024, max: 1_073_741_824 })
    .default(20 * MiB)
    .meta({ shownDefault: '20MiB' })
    .describe('Larger images are refused by POST /v1/tasks/{task}/classify.'),
  MAX_IMAGE_PIXELS: integer({ min: 1, max: 1_000_000_000 })
    .default(50_000_000)
    .describe('Images with more pixels (width × height) are refused there.'),
});

export type ClassifyConfig = z.infer<typeof classifyEnvironment>;
