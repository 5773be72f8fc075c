/** What can be set about ingest, beside what all services share. */
import { httpEnvironment } from '@headwater/http';
import { taskProblem, taskRule } from '@headwater/schemas';
import { commonEnvironment, variables } from '@headwater/service-kit';
import type { z } from 'zod';

const { byteSize, duration, integer, list, port, text } = variables;
const MiB = 1024 * 1024;

export const ingestEnvironment = commonEnvironment.safeExtend({
  ...httpEnvironment,
  HTTP_PORT: port().default(8080).describe('Port of the HTTP interface; 0 takes a free one.'),
  TASKS: list('tasks, separated by commas')
    .refine(
      (tasks) => tasks.every((task) => taskProblem(task) === undefined),
      `expected tasks, separated by commas; a task is: ${taskRule}`,
    )
    .default([])
    .describe('Tasks that every image is asked; a request that waits waits for them.'),
  EXTRACTORS: list('extractor ids, separated by commas')
    .default(['efficientnet-lite0.v1'])
    .describe('Extractors whose dead letters are shown at GET /v1/images/{id}.'),
  MAX_IMAGE_BYTES: byteSize({ min: 1_024, max: 1_073_741_824 })
    .default(20 * MiB)
    .meta({ shownDefault: '20MiB' })
    .describe('Larger images are refused; extract has the same limit.'),
  MAX_IMAGE_PIXELS: integer({ min: 1, max: 1_000_000_000 })
    .default(50_000_000)
    .describe(
      'Images with more pixels (width × height, from the header) are refused; extract has the same limit.',
    ),
  INLINE_LIMIT_BYTES: byteSize({ min: 0 })
    .default(MiB / 2)
    .meta({ shownDefault: '512KiB' })
    .describe('Larger images go to the blob store; never more than half of MAX_MESSAGE_BYTES.'),
  MAX_FORM_BYTES: byteSize({ min: 1 })
    .default(64 * MiB)
    .meta({ shownDefault: '64MiB' })
    .describe('Largest multipart body.'),
  MAX_FORM_FILES: integer({ min: 1, max: 1_000 }).default(32).describe('Most files in a multipart body.'),
  MAX_IN_FLIGHT_BYTES: byteSize({ min: MiB })
    .default(256 * MiB)
    .meta({ shownDefault: '256MiB' })
    .describe('Bodies in memory at once; past it requests get 503.'),
  MAX_IN_FLIGHT_REQUESTS: integer({ min: 1 })
    .default(1_000)
    .describe('Requests that are being taken in at once; past it they get 503.'),
  MAX_WAITING_REQUESTS: integer({ min: 1 })
    .default(2_000)
    .describe('Requests that wait for their prediction at once; past it they get 503.'),
  MAX_PENDING_BYTES: byteSize({ min: MiB })
    .default(64 * MiB)
    .meta({ shownDefault: '64MiB' })
    .describe('Records that wait for Kafka; past it requests get 503.'),
  BODY_TIMEOUT: duration({ min: 1 })
    .default(30_000)
    .meta({ shownDefault: '30s' })
    .describe('How long a body may take; for labels in bulk: how long nothing may come.'),
  SEND_TIMEOUT: duration({ min: 1 })
    .default(10_000)
    .meta({ shownDefault: '10s' })
    .describe('How long Kafka may take for a batch before requests get 503.'),
  MAX_CLOCK_SKEW: duration({ min: 0 })
    .default(60_000)
    .meta({ shownDefault: '60s' })
    .describe(
      'How far in the future a label’s time may lie; classify allows more, so that clocks may differ.',
    ),
  TRACKED_IMAGES: integer({ min: 1 })
    .default(20_000)
    .describe('Images that GET /v1/images/{id} remembers; the least recently touched is forgotten first.'),
  BLOB_MAX_AGE: duration({ forever: true, min: 3_600_000 })
    .default(-1)
    .meta({ shownDefault: 'forever' })
    .describe(
      'Images in the blob store are deleted so long after they were stored last; at least RETENTION_IMAGES. For S3, a lifecycle rule on images/ does the same.',
    ),
  SOURCE_FOLDER: text('a folder')
    .optional()
    .describe(
      'Takes in every image of this folder at start; its sub-folders are labels where SOURCE_TASK is set.',
    ),
  SOURCE_TASK: text('a task')
    .refine((task) => taskProblem(task) === undefined, `expected a task: ${taskRule}`)
    .optional()
    .describe('The task that the names of the sub-folders answer.'),
});

export type IngestConfig = z.infer<typeof ingestEnvironment>;
