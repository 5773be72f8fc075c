/** Active learning: the unlabelled images about which the serving head is least certain, or that are most novel to it. */
import { type ReviewCandidate, rankForReview } from '@headwater/heads';
import type { FastifyInstance } from 'fastify';
import { EventLoopBudget } from '../event-loop.ts';
import type { JoinReader, UnlabelledImage } from '../join/monitoring/join-reader.ts';
import type { ServingHead, ServingHeads } from '../model-registry/serving-heads.ts';
import { requireHead } from './classify-route.ts';
import { nextSchema } from './response-schemas.ts';
import { limitQuery, problemResponses, taskParameters } from './route-schemas.ts';
import type { TaskViews } from './task-views.ts';

export interface NextOptions {
  readonly views: TaskViews;
  readonly serving: ServingHeads;
  readonly join: JoinReader;
}

interface NextRoute {
  readonly Params: { readonly task: string };
  readonly Querystring: { readonly limit: number };
}

export function registerNext(app: FastifyInstance, options: NextOptions): void {
  const schema = {
    summary: 'Images to label next, the most informative first',
    description:
      'Ranked by the serving head: by the margin between its two best classes, and by novelty. The most urgent unlabelled images are considered, at most 2,000 for each partition assigned to this process.',
    tags: ['labelling'],
    params: taskParameters,
    querystring: limitQuery(20, 1_000),
    response: { 200: nextSchema, ...problemResponses },
  };
  app.get<NextRoute>('/v1/tasks/:task/next', { schema }, async ({ params, query }) => {
    const head = requireHead(options, params.task);
    const images = await options.join.unlabelled(params.task, head.extractor);
    const { judged, labels } = await judge(images, head);
    const ranked = rankForReview(judged, query.limit);
    return {
      task: params.task,
      ...options.join.coverage(),
      considered: judged.length,
      images: ranked.map((one) => ({ ...one, label: labels.get(one.imageId) ?? null })),
    };
  });
}

async function judge(images: readonly UnlabelledImage[], { classifier }: ServingHead) {
  const judged: ReviewCandidate[] = [];
  const labels = new Map<string, string>();
  const eventLoop = new EventLoopBudget();
  for (const { imageId, numbers } of images) {
    await eventLoop.yieldIfDue();
    if (numbers.length !== classifier.dimensions) continue;
    const { label, probabilities, novelty } = classifier.predict(numbers);
    judged.push({ imageId, probabilities, novelty });
    labels.set(imageId, label);
  }
  return { judged, labels };
}
