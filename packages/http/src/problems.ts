/** Errors as clients see them: RFC 9457 problem documents, with the code of the error table and never a stack. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { asHeadwaterError, type ErrorCode, errorCodes, HeadwaterError } from '@headwater/errors';
import type { Logger } from '@headwater/log';
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

export type StatusByCode = Readonly<Partial<Record<ErrorCode, number>>>;

/** Where the verdict does not tell the status. */
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

/** A record that would be a dead letter is the client's to mend; what may pass is worth another try. */
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

/** `status` only where the code alone does not tell it. */
export function problemOf(error: HeadwaterError, instance: string, status?: number): Problem {
  const answered = status ?? statuses[error.code] ?? statusesByVerdict[errorCodes[error.code].verdict];
  const { detail, context } = publicPart(error, answered);
  return {
    // Context first: it may add members, not replace those of the standard.
    ...context,
    type: `urn:headwater:problem:${error.code}`,
    title: titles[answered] ?? 'Error',
    status: answered,
    detail,
    instance,
    code: error.code,
  };
}

/** Said by ourselves about ourselves: these name no host and no file. */
const publicMessages: ReadonlySet<ErrorCode> = new Set([
  'overloaded',
  'timed-out',
  'head-not-ready',
  'log-not-writable',
]);

/** Faults on our side name hosts and files: they are for the log of the service, not for its clients. */
function publicPart(
  error: HeadwaterError,
  status: number,
): Pick<HeadwaterError, 'context'> & { detail: string } {
  if (status === 500) {
    return { detail: 'something went wrong on our side; the log of the service tells more', context: {} };
  }
  if (status === 503 && !publicMessages.has(error.code)) {
    return { detail: 'a part that this service needs does not answer; try again after a while', context: {} };
  }
  return { detail: error.message, context: error.context };
}

export function sendProblem(reply: FastifyReply, problem: Problem): FastifyReply {
  if (problem.status === 503) reply.header('retry-after', String(RETRY_AFTER_SECONDS));
  return reply
    .code(problem.status)
    .type('application/problem+json')
    .serializer((document: unknown) => JSON.stringify(document))
    .send(problem);
}

export const pathOf = (request: FastifyRequest): string => request.url.split('?', 1)[0] ?? '/';

const brokenRequests: Readonly<Record<string, { status: number; detail: string }>> = {
  ERR_HTTP_REQUEST_TIMEOUT: { status: 408, detail: 'the request did not come in time' },
  HPE_HEADER_OVERFLOW: { status: 431, detail: 'the headers or the URL are too long' },
};

/** For what is not HTTP, or not all of it: there is no request yet, only a connection. */
export function handleClientError(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const { status, detail } = brokenRequests[error.code ?? ''] ?? { status: 400, detail: 'this is not HTTP' };
  const body = JSON.stringify(problemOf(new HeadwaterError('request-invalid', detail), '/', status));
  const head = [
    `HTTP/1.1 ${status} ${titles[status] ?? 'Error'}`,
    'content-type: application/problem+json',
    `content-length: ${Buffer.byteLength(body)}`,
    'connection: close',
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`);
}

/** For an `Expect` other than `100-continue`: such a request never comes to a route. */
export function rejectExpectation(request: IncomingMessage, response: ServerResponse): void {
  const error = new HeadwaterError('request-invalid', 'nothing but 100-continue can be expected');
  const path = request.url?.split('?', 1)[0] ?? '/';
  const body = Buffer.from(JSON.stringify(problemOf(error, path, 417)));
  const headers = { 'content-type': 'application/problem+json', 'content-length': body.length };
  response.writeHead(417, { ...headers, connection: 'close' }).end(body);
}

/** For URLs that the router cannot even read. */
export function handleFrameworkError(
  error: FastifyError,
  request: FastifyRequest,
  reply: FastifyReply,
): void {
  const invalid = new HeadwaterError('request-invalid', error.message);
  sendProblem(reply, problemOf(invalid, pathOf(request), error.statusCode));
}

/** Every error and every unknown path of this server ends here. `own`: statuses that mean something else here. */
export function handleErrors(app: FastifyInstance, logger: Logger, own: StatusByCode = {}): void {
  app.setErrorHandler((thrown: FastifyError | HeadwaterError, request, reply) => {
    const { error, status } = translate(thrown);
    const problem = problemOf(error, pathOf(request), status ?? own[error.code]);
    if (problem.status === 500)
      logger.error({ error: thrown, route: request.routeOptions.url }, 'request failed');
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
