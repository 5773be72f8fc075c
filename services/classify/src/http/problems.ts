/** Errors as clients see them: RFC 9457 problem documents, with the code of the error table and never a stack. */
import { asHeadwaterError, type ErrorCode, HeadwaterError } from '@headwater/errors';
import type { Logger } from '@headwater/stream';
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';

export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  /** The path that was asked. */
  readonly instance: string;
  readonly code: ErrorCode;
  readonly [member: string]: unknown;
}

/** What is not listed is a defect or a fault of ours: 500. */
const statuses: Partial<Record<ErrorCode, number>> = {
  'request-invalid': 400,
  'not-found': 404,
  'image-too-large': 413,
  'lane-elsewhere': 421,
  'image-type-unsupported': 415,
  'extractor-failed': 422,
  'image-unreadable': 422,
  'vector-not-finite': 422,
  'vector-wrong-dimensions': 422,
  'extractor-unknown': 501,
  'head-not-ready': 503,
  'log-unavailable': 503,
  overloaded: 503,
  'timed-out': 503,
};

const titles: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  404: 'Not Found',
  413: 'Content Too Large',
  415: 'Unsupported Media Type',
  421: 'Misdirected Request',
  422: 'Unprocessable Content',
  500: 'Internal Server Error',
  501: 'Not Implemented',
  503: 'Service Unavailable',
};

const RETRY_AFTER_SECONDS = 1;

/** `status` only where the code alone does not tell it. */
export function problemOf(error: HeadwaterError, instance: string, status?: number): Problem {
  const answered = status ?? statuses[error.code] ?? 500;
  return {
    // Context first: it may add members, not replace those of the standard.
    ...(answered === 500 ? {} : error.context),
    type: `urn:headwater:problem:${error.code}`,
    title: titles[answered] ?? 'Error',
    status: answered,
    detail:
      answered === 500
        ? 'something went wrong on our side; the log of the service tells more'
        : error.message,
    instance,
    code: error.code,
  };
}

export function sendProblem(reply: FastifyReply, problem: Problem): FastifyReply {
  if (problem.status === 503) reply.header('retry-after', String(RETRY_AFTER_SECONDS));
  return reply
    .code(problem.status)
    .type('application/problem+json')
    .serializer((document: unknown) => JSON.stringify(document))
    .send(problem);
}

const pathOf = (request: FastifyRequest) => request.url.split('?', 1)[0] ?? '/';

/** Every error and every unknown path of this server ends here. */
export function answerWithProblems(app: FastifyInstance, logger: Logger): void {
  app.setErrorHandler((thrown: FastifyError | HeadwaterError, request, reply) => {
    const { error, status } = translate(thrown);
    const problem = problemOf(error, pathOf(request), status);
    if (problem.status === 500)
      logger.error({ err: thrown, route: request.routeOptions.url }, 'request failed');
    return sendProblem(reply, problem);
  });
  app.setNotFoundHandler((request, reply) => {
    const error = new HeadwaterError('not-found', 'nothing is served under this method and path');
    return sendProblem(reply, problemOf(error, pathOf(request)));
  });
}

/** The framework's own errors carry a status below 500 when the client is at fault. */
function translate(thrown: FastifyError | HeadwaterError): { error: HeadwaterError; status?: number } {
  if (thrown instanceof HeadwaterError) return { error: thrown };
  const status = thrown.statusCode ?? 500;
  if (status >= 500) return { error: asHeadwaterError(thrown) };
  return { error: new HeadwaterError('request-invalid', thrown.message, { cause: thrown }), status };
}
