/** Environment variables of ingest. */
import { httpEnvironment, peerEnvironment } from '@headwater/http';
import { taskProblem, taskRule } from '@headwater/schemas';
import { commonEnvironment, variables } from '@headwater/service-kit';
import type { z } from 'zod';

const { byteSize, duration, integer, list, port, text } = variables;
const MiB = 1024 * 1024;

export const ingestEnvironment = commonEnvironment.safeExtend({
  ...httpEnvironment,
  ...peerEnvironment,
  HTTP_PORT: port().default(8080).describe('Port of the HTTP interface; 0 chooses a free one.'),
  TASKS: list('tasks, separated by commas')
    .refine(
      (tasks) => tasks.every((task) => taskProblem(task) === undefined),
      `expected tasks, separated by commas; a task is: ${taskRule}`,
    )
    .default([])
    .describe('Tasks of every image; a request with wait=prediction waits for all of them.'),
  EXTRACTORS: list('extractor ids, separated by commas')
    .default(['efficientnet-lite0.v1'])
    .describe('Extractors whose dead letters are shown at GET /v1/images/{id}.'),
  MAX_IMAGE_BYTES: byteSize({ min: 1_024, max: 1_073_741_824 })
    .default(20 * MiB)
    .meta({ shownDefault: '20MiB' })
    .describe('Larger images are rejected; extract has the same limit.'),
  MAX_IMAGE_PIXELS: integer({ min: 1, max: 1_000_000_000 })
    .default(50_000_000)
    .describe(
      'Images with more pixels (width × height, from the header) are rejected; extract has the same limit.',
    ),
  INLINE_LIMIT_BYTES: byteSize({ min: 0 })
    .default(MiB / 2)
    .meta({ shownDefault: '512KiB' })
    .describe('Larger images go to the blob store; never more than half of MAX_MESSAGE_BYTES.'),
  MAX_FORM_BYTES: byteSize({ min: 1 })
    .default(64 * MiB)
    .meta({ shownDefault: '64MiB' })
    .describe('Largest multipart body.'),
  MAX_FORM_FILES: integer({ min: 1, max: 1_000 }).default(32).describe('Maximum files in a multipart body.'),
  MAX_IN_FLIGHT_BYTES: byteSize({ min: MiB })
    .default(256 * MiB)
    .meta({ shownDefault: '256MiB' })
    .describe('Maximum bytes of bodies in memory; beyond it requests get 503.'),
  MAX_IN_FLIGHT_REQUESTS: integer({ min: 1 })
    .default(1_000)
    .describe('Maximum requests in progress; beyond it they get 503.'),
  MAX_WAITING_REQUESTS: integer({ min: 1 })
    .default(2_000)
    .describe('Maximum requests that wait for their prediction; beyond it they get 503.'),
  MAX_PENDING_BYTES: byteSize({ min: MiB })
    .default(64 * MiB)
    .meta({ shownDefault: '64MiB' })
    .describe('Maximum bytes of records that wait for Kafka; beyond it requests get 503.'),
  BODY_TIMEOUT: duration({ min: 1 })
    .default(30_000)
    .meta({ shownDefault: '30s' })
    .describe('Time limit of a body; for labels in bulk: of a pause in the body.'),
  SEND_TIMEOUT: duration({ min: 1 })
    .default(10_000)
    .meta({ shownDefault: '10s' })
    .describe('Time limit of a batch to Kafka; beyond it requests get 503.'),
  MAX_CLOCK_SKEW: duration({ min: 0 })
    .default(60_000)
    .meta({ shownDefault: '60s' })
    .describe('Maximum time of a label ahead of the clock; classify allows more, since clocks differ.'),
  TRACKED_IMAGES: integer({ min: 1 })
    .default(20_000)
    .describe('Images that GET /v1/images/{id} remembers; the least recently used is evicted first.'),
  BLOB_MAX_AGE: duration({ forever: true, min: 3_600_000 })
    .default(-1)
    .meta({ shownDefault: 'forever' })
    .describe(
      'Age at which images in the blob store are deleted; at least RETENTION_IMAGES. For S3, use a lifecycle rule on images/ instead.',
    ),
  SOURCE_FOLDER: text('a folder')
    .optional()
    .describe(
      'Folder whose images are ingested at start; its sub-folders are labels where SOURCE_TASK is set.',
    ),
  SOURCE_TASK: text('a task')
    .refine((task) => taskProblem(task) === undefined, `expected a task: ${taskRule}`)
    .optional()
    .describe('Task of the labels that the sub-folders name.'),
});

export type IngestConfig = z.infer<typeof ingestEnvironment>;
