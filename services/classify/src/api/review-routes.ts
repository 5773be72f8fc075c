/** Routes about single examples: likely label errors, influential examples, nearest neighbours. */
import { HeadwaterError } from '@headwater/errors';
import { disconnectSignal } from '@headwater/http';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Installation } from '../peers/installation.ts';
import type { Reviewer } from '../review/reviewer.ts';
import { influenceSchema, neighboursSchema, suspectsSchema } from './response-schemas.ts';
import {
  checkImageId,
  imageParameters,
  limitQuery,
  problemResponses,
  taskParameters,
} from './route-schemas.ts';

export interface ReviewOptions {
  readonly installation: Installation;
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
  'The process that trains the task responds; without HTTP_ADVERTISED_URL, any other returns 421 and the partition of the task.';

export function registerReview(app: FastifyInstance, { installation, reviewer }: ReviewOptions): void {
  const extractorOf = async (request: FastifyRequest, task: string) =>
    (await installation.viewsOf(request, task)).servingHead(task).extractor;
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
    async (request, reply) => {
      const { task } = request.params;
      const extractor = await extractorOf(request, task);
      return installation.atTrainer(request, reply, task, disconnectSignal(reply), async () => {
        const found = await reviewer.suspects(extractor, task, request.query.limit);
        return { task, extractor, ...found, asOf: Date.now() };
      });
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
    async (request, reply) => {
      const { task } = request.params;
      const imageId = checkImageId(request.params.imageId);
      const extractor = await extractorOf(request, task);
      return installation.atTrainer(request, reply, task, disconnectSignal(reply), async () => {
        const found = await reviewer.influence(extractor, task, imageId, request.query.limit);
        return { task, extractor, imageId, ...found, asOf: Date.now() };
      });
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
    async (request, reply) => {
      const { task, limit } = request.query;
      const imageId = checkImageId(request.params.imageId);
      const extractor = await extractorOf(request, task);
      const gone = disconnectSignal(reply);
      return installation.atTrainer(request, reply, task, gone, async () => {
        const vector =
          reviewer.vector(extractor, task, imageId) ??
          (await installation.vector(request, imageId, extractor));
        if (vector === undefined) throw new HeadwaterError('not-found', 'there is no vector of the image');
        const found = await reviewer.neighbours(extractor, task, { imageId, vector }, limit, gone);
        return { task, extractor, imageId, ...found, asOf: Date.now() };
      });
    },
  );
}

const limits = limitQuery(10, 200);

const neighboursQuery = {
  ...limits,
  required: ['task'],
  properties: { ...limits.properties, task: taskParameters.properties.task },
} as const;
