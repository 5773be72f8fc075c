/** Work for an answer that nobody waits for any more can end. */
import type { FastifyReply } from 'fastify';

/** Aborts when the answer was sent, or the client went away. */
export function disconnectSignal(reply: FastifyReply): AbortSignal {
  const gone = new AbortController();
  reply.raw.once('close', () => gone.abort());
  return gone.signal;
}
