/** `POST /v1/images`: images as a raw body or a form. */
import type { Readable } from 'node:stream';
import { HeadwaterError } from '@headwater/errors';
import { disconnectSignal, problemOf } from '@headwater/http';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { checkBytes, type ImageLimits } from '../intake/inspection.ts';
import type { ImageInput } from '../intake/intake.ts';
import { type Admission, withPermit } from './admission.ts';
import { declaredLength, readBody } from './body.ts';
import type { Reservation } from './budget.ts';
import { parseForm } from './form.ts';
import { attributeSchemas, checkFieldNames, imageFieldSchemas, readImageFields } from './image-fields.ts';
import { imagePath, problemSchema, submittedSchema } from './responses.ts';
import { type Submission, type SubmissionParts, submitImage, type WaitRequest } from './submission.ts';

export interface ImageRouteOptions extends SubmissionParts {
  readonly admission: Admission;
  readonly limits: ImageLimits;
  readonly maxFormBytes: number;
  readonly maxFormFiles: number;
  readonly bodyTimeoutMs: number;
}

interface Query extends Readonly<Record<string, unknown>> {
  readonly wait?: 'prediction';
  readonly task?: string;
  /** Seconds. */
  readonly timeout: number;
}

const querystring = {
  type: 'object',
  additionalProperties: false,
  properties: {
    ...imageFieldSchemas,
    wait: {
      type: 'string',
      enum: ['prediction'],
      description: 'Wait for the predictions of this image, and return them.',
    },
    timeout: {
      type: 'number',
      exclusiveMinimum: 0,
      maximum: 120,
      default: 10,
      description: 'Maximum time to wait, in seconds; then the response is 202.',
    },
  },
  patternProperties: attributeSchemas,
} as const;

const response = {
  200: { description: 'The image was classified.', ...submittedSchema },
  202: { description: 'The image is in the log.', ...submittedSchema },
  '4xx': problemSchema,
  503: problemSchema,
} as const;

/** For the OpenAPI document alone: the framework does not parse the body. */
const requestBody = {
  required: true,
  content: {
    'image/*': { schema: { type: 'string', format: 'binary' } },
    'application/octet-stream': { schema: { type: 'string', format: 'binary' } },
    'multipart/form-data': {
      schema: {
        type: 'object',
        properties: {
          file: { type: 'array', items: { type: 'string', format: 'binary' } },
          ...imageFieldSchemas,
        },
      },
    },
  },
} as const;

export function registerImages(app: FastifyInstance, options: ImageRouteOptions): void {
  app.register(async (scope) => {
    // The type is read from the bytes, not the Content-Type: every type passes as an unread stream.
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser('*', (_request, payload, done) => done(null, payload));
    const schema = {
      summary: 'Ingest an image',
      description: 'The body is the file itself, or a form with one or several files.',
      tags: ['images'],
      querystring,
      response,
    };
    scope.post<{ Querystring: Query }>('/v1/images', { schema, config: { requestBody } }, (request, reply) =>
      /^multipart\/form-data\b/i.test(request.headers['content-type'] ?? '')
        ? acceptForm(options, request, reply)
        : acceptRaw(options, request, reply),
    );
  });
}

type ImageRequest = FastifyRequest<{ Querystring: Query }>;

async function acceptRaw(options: ImageRouteOptions, request: ImageRequest, reply: FastifyReply) {
  const checkLength = (bytes: number) => checkBytes(bytes, options.limits);
  return waiting(options, request, reply, async (wait) => {
    const fields = readImageFields(request.query);
    const submission = await withBody(options, request, checkLength, (bytes) =>
      submitImage(options, { ...fields, bytes }, wait),
    );
    const { status, body } = await submission.answer;
    return reply.code(status).header('location', imagePath(submission.image.id)).send(body);
  });
}

/** Checks all files of a form before the first is sent: an invalid file rejects the whole form. */
async function acceptForm(options: ImageRouteOptions, request: ImageRequest, reply: FastifyReply) {
  const { maxFormBytes, maxFormFiles, intake } = options;
  const checkLength = (bytes: number) => checkBytes(bytes, { ...options.limits, maxBytes: maxFormBytes });
  return waiting(options, request, reply, async (wait) => {
    const submissions = await withBody(options, request, checkLength, async (body, reservation) => {
      reservation.grow(body.length); // the files are copies of its parts
      const { files, fields } = await parseForm(body, request.headers['content-type'] ?? '', maxFormFiles);
      checkFieldNames(fields);
      const known = readImageFields({ ...request.query, ...fields });
      if (known.id !== undefined && files.length > 1) {
        throw new HeadwaterError('request-invalid', 'an id is for one image, and the form has several files');
      }
      await Promise.all(files.map((bytes) => intake.inspect(bytes)));
      const inputs: ImageInput[] = files.map((bytes) => ({ ...known, bytes }));
      return Promise.all(inputs.map((input) => submitImage(options, input, wait)));
    });
    return answerForm(submissions, reply);
  });
}

/** The response to one file is that to a raw body; to several it is a list, with dead letters as entries. */
async function answerForm(submissions: readonly Submission[], reply: FastifyReply) {
  const [first] = submissions;
  if (first && submissions.length === 1) {
    const { status, body } = await first.answer;
    return reply.code(status).header('location', imagePath(first.image.id)).send(body);
  }
  const answers = await Promise.all(
    submissions.map(({ image, answer }) =>
      answer.catch((error) => ({
        status: 200,
        body: {
          id: image.id,
          status: 'dead-lettered',
          receivedAt: image.receivedAt,
          problem: problemOf(error, imagePath(image.id)),
        },
      })),
    ),
  );
  const status = answers.some((answer) => answer.status === 202) ? 202 : 200;
  return reply.code(status).send({ images: answers.map((answer) => answer.body) });
}

/** Reads the body within the limits, and releases its bytes when `take` has settled. */
async function withBody<T>(
  { admission, bodyTimeoutMs: timeoutMs }: ImageRouteOptions,
  request: ImageRequest,
  checkLength: (bytes: number) => void,
  take: (body: Buffer, reservation: Reservation) => Promise<T>,
): Promise<T> {
  return withPermit(admission, async () => {
    const declared = declaredLength(request.headers);
    checkLength(declared ?? 0);
    const reservation = admission.bytes.reserve(declared ?? 0);
    try {
      const stream = request.body as Readable | undefined;
      const body = await readBody(stream, declared, reservation, { checkLength, timeoutMs });
      return await take(body, reservation);
    } finally {
      reservation.release();
    }
  });
}

/** Holds a permit of the waiting requests while `work` runs, where the client waits for its prediction. */
async function waiting(
  { admission }: ImageRouteOptions,
  request: ImageRequest,
  reply: FastifyReply,
  work: (wait: WaitRequest | undefined) => Promise<FastifyReply>,
): Promise<FastifyReply> {
  const { wait, task, timeout } = request.query;
  if (wait === undefined) return work(undefined);
  const permit = admission.waits.reserve(1);
  const gone = disconnectSignal(reply);
  try {
    return await work({
      task: request.query.label === undefined ? task : undefined,
      timeoutMs: timeout * 1000,
      signal: gone,
    });
  } finally {
    permit.release();
  }
}
