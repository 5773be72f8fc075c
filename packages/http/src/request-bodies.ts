/**
 * What every body must keep, whatever route it is for: no content coding, UTF-8 where it is text, and JSON that is UTF-8 to the last byte.
 * A decoder that puts U+FFFD in the place of broken bytes would make one label of many.
 */
import { isUtf8 } from 'node:buffer';
import { HeadwaterError } from '@headwater/errors';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';

const jsonType = 'application/json';
const textTypes = /^(text\/|application\/(json|jsonl|x-ndjson)\b)/i;
const utf8Names: ReadonlySet<string> = new Set(['utf-8', 'utf8', 'us-ascii', 'ascii']);

export function validateBodies(app: FastifyInstance): void {
  app.addHook('onRequest', async (request, reply) => {
    refuseContentCoding(request, reply);
    refuseOtherCharsets(request);
  });
  app.removeContentTypeParser(jsonType);
  app.addContentTypeParser(jsonType, { parseAs: 'buffer' }, async (request: FastifyRequest, body: Buffer) =>
    parseJson(request, body),
  );
}

/** Refuses what could pollute prototypes. Errors: request-invalid, also for bytes that are not UTF-8. */
export async function parseJson(request: FastifyRequest, body: Buffer): Promise<unknown> {
  if (!isUtf8(body)) throw new HeadwaterError('request-invalid', 'the body is not UTF-8');
  const parse = request.server.getDefaultJsonParser('error', 'error');
  return new Promise((resolve, reject) => {
    parse(request, body.toString('utf8'), (error, value) => (error ? reject(error) : resolve(value)));
  });
}

/** Compressed bodies could hide any size; images are compressed already. */
function refuseContentCoding({ headers }: FastifyRequest, reply: FastifyReply): void {
  const coding = headers['content-encoding'] ?? 'identity';
  if (coding.trim().toLowerCase() === 'identity') return;
  reply.header('accept-encoding', 'identity');
  throw unsupported(
    `a body in the content coding ${coding} is not accepted; send it without Content-Encoding`,
  );
}

function refuseOtherCharsets({ headers }: FastifyRequest): void {
  const contentType = headers['content-type'] ?? '';
  const charset = /;\s*charset\s*=\s*"?([^";\s]*)/i.exec(contentType)?.[1];
  if (charset === undefined || !textTypes.test(contentType) || utf8Names.has(charset.toLowerCase())) return;
  throw unsupported(`a body in the charset ${charset} is not accepted; send it as UTF-8`);
}

/** As the framework states it for a media type that no route takes. */
function unsupported(message: string): Error {
  return Object.assign(new Error(message), { statusCode: 415 });
}
