/**
 * Rules for the bodies of all routes: no content coding, UTF-8 for text, and valid UTF-8 for JSON. A decoder that
 * replaces invalid bytes by U+FFFD would map many labels to one.
 */
import { isUtf8 } from 'node:buffer';
import { HeadwaterError } from '@headwater/errors';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';

const jsonType = 'application/json';
const textTypes = /^(text\/|application\/(json|jsonl|x-ndjson)\b)/i;
const utf8Names: ReadonlySet<string> = new Set(['utf-8', 'utf8', 'us-ascii', 'ascii']);

export function validateBodies(app: FastifyInstance): void {
  app.addHook('onRequest', async (request, reply) => {
    rejectContentCoding(request, reply);
    rejectOtherCharsets(request);
  });
  app.removeContentTypeParser(jsonType);
  app.addContentTypeParser(jsonType, { parseAs: 'buffer' }, async (request: FastifyRequest, body: Buffer) =>
    parseJson(request, body),
  );
}

/** Parses JSON and rejects prototype pollution. Errors: request-invalid, also for bytes that are not UTF-8. */
export async function parseJson(request: FastifyRequest, body: Buffer): Promise<unknown> {
  if (!isUtf8(body)) throw new HeadwaterError('request-invalid', 'the body is not UTF-8');
  const parse = request.server.getDefaultJsonParser('error', 'error');
  return new Promise((resolve, reject) => {
    parse(request, body.toString('utf8'), (error, value) => (error ? reject(error) : resolve(value)));
  });
}

/** Rejects compressed bodies, which could expand to any size; images are compressed already. */
function rejectContentCoding({ headers }: FastifyRequest, reply: FastifyReply): void {
  const coding = headers['content-encoding'] ?? 'identity';
  if (coding.trim().toLowerCase() === 'identity') return;
  reply.header('accept-encoding', 'identity');
  throw unsupported(`content coding ${coding} is not supported; send the body without Content-Encoding`);
}

function rejectOtherCharsets({ headers }: FastifyRequest): void {
  const contentType = headers['content-type'] ?? '';
  const charset = /;\s*charset\s*=\s*"?([^";\s]*)/i.exec(contentType)?.[1];
  if (charset === undefined || !textTypes.test(contentType) || utf8Names.has(charset.toLowerCase())) return;
  throw unsupported(`charset ${charset} is not supported; send it as UTF-8`);
}

/** The framework's form of the error for an unsupported media type. */
function unsupported(message: string): Error {
  return Object.assign(new Error(message), { statusCode: 415 });
}
