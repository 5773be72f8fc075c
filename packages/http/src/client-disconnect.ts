/** Cancels work whose client has disconnected. */
import type { FastifyReply } from 'fastify';

/** Aborts when the response was sent or the client has disconnected. */
export function disconnectSignal(reply: FastifyReply): AbortSignal {
  const closed = new AbortController();
  reply.raw.once('close', () => closed.abort());
  return closed.signal;
}
