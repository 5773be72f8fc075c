/** How many requests may be on their way at once: a connection may carry many, so counting those is not enough. */
import { HeadwaterError } from '@headwater/errors';
import type { FastifyInstance } from 'fastify';

/** Errors: overloaded. */
export function limitConcurrency(app: FastifyInstance, most: number): void {
  let present = 0;
  app.addHook('onRequest', async (_request, reply) => {
    if (present >= most)
      throw new HeadwaterError('overloaded', 'too many requests are on their way; try again after a while');
    present += 1;
    // Comes once, whether the answer was sent or the client went away.
    reply.raw.once('close', () => {
      present -= 1;
    });
  });
}
