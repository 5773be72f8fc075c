/** RFC 9457 problem documents, with the code of the error table and without stack traces. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { asHeadwaterError, type ErrorCode, errorCodes, HeadwaterError } from '@headwater/errors';
import type { Logger } from '@headwater/log';
import { currentTraceFields } from '@headwater/service-kit';
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';

export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  /** Path of the request. */
  readonly instance: string;
  readonly code: ErrorCode;
  readonly [member: string]: unknown;
}

export type StatusByCode = Readonly<Partial<Record<ErrorCode, number>>>;

/** Statuses that do not follow from the verdict. */
const statuses: StatusByCode = {
  'request-invalid': 400,
  'record-invalid': 400,
  unauthenticated: 401,
  forbidden: 403,
  'not-found': 404,
  'schema-unknown': 404,
  'timed-out': 408,
  'image-too-large': 413,
  'record-too-large': 413,
  'image-type-unsupported': 415,
  'partition-elsewhere': 421,
  'request-misdirected': 421,
  'extractor-unknown': 501,
};

/** A dead-letter verdict is a client error; a retry verdict is a temporary server error. */
const statusesByVerdict = { 'dead-letter': 422, retry: 503, stop: 500 } as const;

const titles: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  408: 'Request Timeout',
  413: 'Content Too Large',
  414: 'URI Too Long',
  415: 'Unsupported Media Type',
  417: 'Expectation Failed',
  421: 'Misdirected Request',
  422: 'Unprocessable Content',
  431: 'Request Header Fields Too Large',
  500: 'Internal Server Error',
  501: 'Not Implemented',
  503: 'Service Unavailable',
};

const RETRY_AFTER_SECONDS = 1;

/** `status` overrides the status of the code. */
export function problemOf(error: HeadwaterError, instance: string, status?: number): Problem {
  const finalStatus = status ?? statuses[error.code] ?? statusesByVerdict[errorCodes[error.code].verdict];
  const { detail, context } = publicPart(error, finalStatus);
  return {
    // Context first: it may add members, but not replace standard ones.
    ...context,
    type: `urn:headwater:problem:${error.code}`,
    title: titles[finalStatus] ?? 'Error',
    status: finalStatus,
    detail,
    instance,
    code: error.code,
  };
}

/** Codes whose messages contain no host or file names. */
const publicMessages: ReadonlySet<ErrorCode> = new Set([
  'overloaded',
  'timed-out',
  'head-not-ready',
  'log-not-writable',
  'group-rebalancing',
  'peer-unavailable',
]);

/** Messages of server errors may contain host and file names, so they are logged and not returned to clients. */
function publicPart(
  error: HeadwaterError,
  status: number,
): Pick<HeadwaterError, 'context'> & { detail: string } {
  if (status === 500) {
    return { detail: 'internal error; see the service log', context: {} };
  }
  if (status === 503 && !publicMessages.has(error.code)) {
    return { detail: 'a dependency is unavailable; retry later', context: {} };
  }
  return { detail: error.message, context: error.context };
}

function sendProblem(reply: FastifyReply, problem: Problem): FastifyReply {
  if (problem.status === 503) reply.header('retry-after', String(RETRY_AFTER_SECONDS));
  return reply
    .code(problem.status)
    .type('application/problem+json')
    .serializer((document: unknown) => JSON.stringify(document))
    .send(problem);
}

export const pathOf = (request: FastifyRequest): string => request.url.split('?', 1)[0] ?? '/';

const brokenRequests: Readonly<Record<string, { status: number; detail: string }>> = {
  ERR_HTTP_REQUEST_TIMEOUT: { status: 408, detail: 'the request was not received in time' },
  HPE_HEADER_OVERFLOW: { status: 431, detail: 'the headers or the URL are too long' },
};

/** Responds to invalid or incomplete HTTP, for which there is a connection but no request. */
export function handleClientError(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const { status, detail } = brokenRequests[error.code ?? ''] ?? {
    status: 400,
    detail: 'the request is not valid HTTP',
  };
  const body = JSON.stringify(problemOf(new HeadwaterError('request-invalid', detail), '/', status));
  const head = [
    `HTTP/1.1 ${status} ${titles[status] ?? 'Error'}`,
    'content-type: application/problem+json',
    `content-length: ${Buffer.byteLength(body)}`,
    'connection: close',
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`);
}

/** Responds to an `Expect` header other than `100-continue`; such a request never reaches a route. */
export function rejectExpectation(request: IncomingMessage, response: ServerResponse): void {
  const error = new HeadwaterError(
    'request-invalid',
    'unsupported Expect header; only 100-continue is supported',
  );
  const path = request.url?.split('?', 1)[0] ?? '/';
  const body = Buffer.from(JSON.stringify(problemOf(error, path, 417)));
  const headers = { 'content-type': 'application/problem+json', 'content-length': body.length };
  response.writeHead(417, { ...headers, connection: 'close' }).end(body);
}

/** Responds to URLs that the router cannot decode. */
export function handleFrameworkError(
  error: FastifyError,
  request: FastifyRequest,
  reply: FastifyReply,
): void {
  const invalid = new HeadwaterError('request-invalid', error.message);
  sendProblem(reply, problemOf(invalid, pathOf(request), error.statusCode));
}

/** Responds to all errors and unknown paths of a server. `own` overrides statuses of codes. */
export function handleErrors(app: FastifyInstance, logger: Logger, own: StatusByCode = {}): void {
  app.setErrorHandler((thrown: FastifyError | HeadwaterError, request, reply) => {
    const { error, status } = translate(thrown);
    const problem = problemOf(error, pathOf(request), status ?? own[error.code]);
    if (problem.status === 500)
      logger.error(
        { error: thrown, route: request.routeOptions.url, ...currentTraceFields() },
        'request failed',
      );
    return sendProblem(reply, problem);
  });
  app.setNotFoundHandler((request, reply) => {
    const error = new HeadwaterError('not-found', 'no route for this method and path');
    return sendProblem(reply, problemOf(error, pathOf(request)));
  });
}

/** The framework's own errors have a status below 500 where the client caused them. */
function translate(thrown: FastifyError | HeadwaterError): { error: HeadwaterError; status?: number } {
  if (thrown instanceof HeadwaterError) return { error: thrown };
  const status = thrown.statusCode ?? 500;
  if (status >= 500) return { error: asHeadwaterError(thrown) };
  return { error: new HeadwaterError('request-invalid', thrown.message, { cause: thrown }), status };
}
