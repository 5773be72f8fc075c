/** Limits concurrent requests; a limit on connections is not enough, because one connection can carry many requests. */
import { HeadwaterError } from '@headwater/errors';
import type { FastifyInstance } from 'fastify';

/** Errors: overloaded. */
export function limitConcurrency(app: FastifyInstance, limit: number): void {
  let active = 0;
  app.addHook('onRequest', async (_request, reply) => {
    if (active >= limit) throw new HeadwaterError('overloaded', 'too many concurrent requests; retry later');
    active += 1;
    // Emitted once, after the response or after a disconnect.
    reply.raw.once('close', () => {
      active -= 1;
    });
  });
}
