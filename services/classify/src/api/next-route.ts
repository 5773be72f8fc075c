/** Active learning: the unlabelled images about which the serving head is least certain, or that are most novel to it. */
import type { FastifyInstance } from 'fastify';
import type { ServingHeads } from '../model-registry/serving-heads.ts';
import type { Installation } from '../peers/installation.ts';
import { requireHead } from './classify-route.ts';
import { nextSchema } from './response-schemas.ts';
import { limitQuery, problemResponses, taskParameters } from './route-schemas.ts';

export interface NextOptions {
  readonly serving: ServingHeads;
  readonly installation: Installation;
}

interface NextRoute {
  readonly Params: { readonly task: string };
  readonly Querystring: { readonly limit: number };
}

export function registerNext(app: FastifyInstance, options: NextOptions): void {
  const schema = {
    summary: 'Images to label next, the most informative first',
    description:
      'Ranked by the serving head: by the margin between its two best classes, and by novelty. The most urgent unlabelled images are considered, at most 2,000 for each partition.',
    tags: ['labelling'],
    params: taskParameters,
    querystring: limitQuery(20, 1_000),
    response: { 200: nextSchema, ...problemResponses },
  };
  app.get<NextRoute>('/v1/tasks/:task/next', { schema }, async (request) => {
    const { task } = request.params;
    const views = await options.installation.viewsOf(request, task);
    requireHead({ views, serving: options.serving }, task);
    return { task, ...(await options.installation.next(request, task, request.query.limit)) };
  });
}
