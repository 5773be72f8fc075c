/** `POST /v1/labels`: labels in bulk, streamed. */
import type { Readable } from 'node:stream';
import { asHeadwaterError, HeadwaterError } from '@headwater/errors';
import type { FastifyInstance } from 'fastify';
import { readCsv } from '../labels/csv.ts';
import { readJsonLines } from '../labels/json-lines.ts';
import type { LabelWriter } from '../labels/label-writer.ts';
import { type LoadReport, loadLabels } from '../labels/load.ts';
import { type Admission, withPermit } from './admission.ts';
import { problemSchema } from './responses.ts';

export interface BulkLabelOptions {
  readonly labelWriter: LabelWriter;
  readonly admission: Admission;
  /** Time limit of a pause in the body. */
  readonly idleTimeoutMs: number;
}

const readers = [
  { mediaType: 'text/csv', read: readCsv },
  { mediaType: 'application/x-ndjson', read: readJsonLines },
  { mediaType: 'application/jsonl', read: readJsonLines },
];

const reportSchema = {
  type: 'object',
  description: 'Accepted lines are in the log, also where others are rejected.',
  required: ['accepted', 'rejected', 'errors'],
  properties: {
    accepted: { type: 'integer' },
    rejected: { type: 'integer' },
    errors: {
      type: 'array',
      description: 'The first 100 lines that were rejected.',
      items: { type: 'object', properties: { line: { type: 'integer' }, reason: { type: 'string' } } },
    },
  },
} as const;

const requestBody = {
  content: Object.fromEntries(
    readers.map(({ mediaType }) => [mediaType, { schema: { type: 'string', format: 'binary' } }]),
  ),
};

const schema = {
  summary: 'Labels in bulk',
  description:
    'CSV with the header imageId,task,label[,assignedAt,annotator], or JSON Lines with objects of these fields (a null label retracts).',
  tags: ['labels'],
  response: { 200: reportSchema, '4xx': problemSchema, 503: problemSchema },
};

export function registerBulkLabels(app: FastifyInstance, options: BulkLabelOptions): void {
  const { labelWriter, admission, idleTimeoutMs } = options;
  app.register(async (scope) => {
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser('*', (_request, payload, done) => done(null, payload));
    scope.post('/v1/labels', { schema, config: { requestBody } }, async (request) => {
      const read = readerOf(request.headers['content-type']);
      const chunks = untilIdle(request.body as Readable | undefined, idleTimeoutMs);
      let report: LoadReport = { accepted: 0, rejected: 0, errors: [] };
      try {
        return await withPermit(admission, () =>
          loadLabels(read(chunks), labelWriter, (progress) => {
            report = progress;
          }),
        );
      } catch (error) {
        throw withCounts(error, report);
      }
    });
  });
}

function readerOf(contentType = '') {
  const mediaType = contentType.split(';', 1)[0]?.trim().toLowerCase();
  const reader = readers.find((candidate) => candidate.mediaType === mediaType);
  if (reader) return reader.read;
  throw new HeadwaterError('request-invalid', 'unknown Content-Type; send text/csv or application/x-ndjson');
}

/** Limits pauses of the client; time in which the server does not read does not count. */
async function* untilIdle(body: Readable | undefined, timeoutMs: number): AsyncGenerator<Buffer> {
  if (!body) return;
  // Not destroyed when reading stops early: the client must be able to read the response.
  const chunks: AsyncIterator<Buffer> = body.iterator({ destroyOnReturn: false });
  const tooSlow = new HeadwaterError('timed-out', 'the body did not arrive in time');
  try {
    for (;;) {
      const timer = setTimeout(() => body.destroy(tooSlow), timeoutMs);
      const { done, value } = await chunks.next().finally(() => clearTimeout(timer));
      if (done) return;
      yield value;
    }
  } finally {
    await chunks.return?.();
  }
}

/** Adds the counts to the error: the lines before it stay in the log, and sending the file again is safe. */
function withCounts(thrown: unknown, { accepted, rejected }: LoadReport): HeadwaterError {
  const { code, message, context, verdict } = asHeadwaterError(thrown);
  return new HeadwaterError(code, message, {
    cause: thrown,
    verdict,
    context: { ...context, accepted, rejected },
  });
}
