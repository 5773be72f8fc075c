/** Routes with the measurements and the newest predictions of a task. */
import type { FastifyInstance } from 'fastify';
import type { JoinReader } from '../join/monitoring/join-reader.ts';
import { reportOutcomes } from '../join/monitoring/served-report.ts';
import { measurementsSchema, predictionsSchema } from './response-schemas.ts';
import { limitQuery, problemResponses, taskParameters } from './route-schemas.ts';
import type { TaskViews } from './task-views.ts';

export interface MeasurementOptions {
  readonly views: TaskViews;
  readonly join: JoinReader;
}

interface TaskRoute {
  readonly Params: { readonly task: string };
  readonly Querystring: { readonly limit: number };
}

export function registerMeasurements(app: FastifyInstance, { views, join }: MeasurementOptions): void {
  app.get<TaskRoute>(
    '/v1/tasks/:task/measurements',
    {
      schema: {
        summary: 'Measurements of the task: served, prequential, and of each head',
        description:
          'The report covers the newest published predictions that were joined with their first label, at most 1,000 for each partition assigned to this process.',
        tags: ['measurements'],
        params: taskParameters,
        response: { 200: measurementsSchema, ...problemResponses },
      },
    },
    async ({ params }) => {
      const measured = views.measurements(params.task);
      const report = await reportOutcomes(await join.outcomes(params.task));
      return { ...measured, ...join.coverage(), report };
    },
  );
  app.get<TaskRoute>(
    '/v1/tasks/:task/predictions',
    {
      schema: {
        summary: 'The newest predictions',
        description:
          'At most 200 for each partition assigned to this process; the topic of predictions has all of them.',
        tags: ['measurements'],
        params: taskParameters,
        querystring: limitQuery(50, 1_000),
        response: { 200: predictionsSchema, ...problemResponses },
      },
    },
    async ({ params, query }) => {
      views.task(params.task);
      const found = await join.predictions(params.task, query.limit);
      const predictions = found.map((one) => ({
        ...one,
        probabilities: Object.fromEntries(one.probabilities),
      }));
      return { task: params.task, ...join.coverage(), predictions };
    },
  );
}
