/** Routes about single examples: likely label errors, influential examples, nearest neighbours. */
import { HeadwaterError } from '@headwater/errors';
import { disconnectSignal } from '@headwater/http';
import type { FastifyInstance } from 'fastify';
import type { JoinReader } from '../join/monitoring/join-reader.ts';
import type { Reviewer } from '../review/reviewer.ts';
import { influenceSchema, neighboursSchema, suspectsSchema } from './response-schemas.ts';
import {
  checkImageId,
  imageParameters,
  limitQuery,
  problemResponses,
  taskParameters,
} from './route-schemas.ts';
import type { TaskViews } from './task-views.ts';

export interface ReviewOptions {
  readonly views: TaskViews;
  readonly join: JoinReader;
  readonly reviewer: Reviewer;
}

interface SuspectsRoute {
  readonly Params: { readonly task: string };
  readonly Querystring: { readonly limit: number };
}

interface InfluenceRoute {
  readonly Params: { readonly task: string; readonly imageId: string };
  readonly Querystring: { readonly limit: number };
}

interface NeighboursRoute {
  readonly Params: { readonly imageId: string };
  readonly Querystring: { readonly task: string; readonly limit: number };
}

const elsewhere =
  'Only the process that trains the task can respond; any other returns 421 and the partition of the task.';

export function registerReview(app: FastifyInstance, { views, join, reviewer }: ReviewOptions): void {
  const extractorOf = (task: string) => views.servingHead(task).extractor;
  app.get<SuspectsRoute>(
    '/v1/tasks/:task/suspects',
    {
      schema: {
        summary: 'Likely label errors, the most suspicious first',
        description: `Ranked by the margin between the label and the best other class, predicted without the example, over at most 2,000 examples. ${elsewhere}`,
        tags: ['labelling'],
        params: taskParameters,
        querystring: limitQuery(20, 500),
        response: { 200: suspectsSchema, ...problemResponses },
      },
    },
    async ({ params: { task }, query: { limit } }) => {
      const extractor = extractorOf(task);
      return { task, extractor, ...(await reviewer.suspects(extractor, task, limit)) };
    },
  );
  app.get<InfluenceRoute>(
    '/v1/tasks/:task/examples/:imageId/influence',
    {
      schema: {
        summary: 'The examples with the most influence on the prediction for a labelled image',
        description: `Ranked by how much its log loss would rise (helpful) or fall (harmful) without each of at most 2,000 examples, in nats. ${elsewhere}`,
        tags: ['labelling'],
        params: imageParameters('task', 'imageId'),
        querystring: limitQuery(10, 100),
        response: { 200: influenceSchema, ...problemResponses },
      },
    },
    async ({ params, query: { limit } }) => {
      const { task } = params;
      const imageId = checkImageId(params.imageId);
      const extractor = extractorOf(task);
      return { task, extractor, imageId, ...(await reviewer.influence(extractor, task, imageId, limit)) };
    },
  );
  app.get<NeighboursRoute>(
    '/v1/images/:imageId/neighbours',
    {
      schema: {
        summary: 'The labelled examples nearest to an image',
        description: `By cosine similarity of the vectors, over all examples of the task. ${elsewhere}`,
        tags: ['labelling'],
        params: imageParameters('imageId'),
        querystring: neighboursQuery,
        response: { 200: neighboursSchema, ...problemResponses },
      },
    },
    async ({ params, query: { task, limit } }, reply) => {
      const imageId = checkImageId(params.imageId);
      const extractor = extractorOf(task);
      const gone = disconnectSignal(reply);
      const vector = reviewer.vector(extractor, task, imageId) ?? join.vector(imageId, extractor);
      if (vector === undefined)
        throw new HeadwaterError('not-found', 'this process has no vector of the image');
      const found = await reviewer.neighbours(extractor, task, { imageId, vector }, limit, gone);
      return { task, extractor, imageId, ...found };
    },
  );
}

const limits = limitQuery(10, 200);

const neighboursQuery = {
  ...limits,
  required: ['task'],
  properties: { ...limits.properties, task: taskParameters.properties.task },
} as const;
