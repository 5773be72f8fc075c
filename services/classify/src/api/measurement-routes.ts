/** Routes with the measurements and the newest predictions of a task. */
import type { FastifyInstance } from 'fastify';
import { reportOutcomes } from '../join/monitoring/served-report.ts';
import { type Installation, mergeCompleteness } from '../peers/installation.ts';
import { measurementsSchema, predictionsSchema } from './response-schemas.ts';
import { limitQuery, problemResponses, taskParameters } from './route-schemas.ts';

export interface MeasurementOptions {
  readonly installation: Installation;
}

interface TaskRoute {
  readonly Params: { readonly task: string };
  readonly Querystring: { readonly limit: number };
}

export function registerMeasurements(app: FastifyInstance, { installation }: MeasurementOptions): void {
  app.get<TaskRoute>(
    '/v1/tasks/:task/measurements',
    {
      schema: {
        summary: 'Measurements of the task: served, prequential, and of each head',
        description:
          'The report covers the newest published predictions that were joined with their first label, at most 1,000 for each partition.',
        tags: ['measurements'],
        params: taskParameters,
        response: { 200: measurementsSchema, ...problemResponses },
      },
    },
    async (request) => {
      const { task } = request.params;
      const gathered = await installation.views(request, task);
      const measured = gathered.views.measurements(task);
      const { outcomes, ...coverage } = await installation.outcomes(request, task);
      const completeness = mergeCompleteness(gathered.completeness, coverage);
      return { ...measured, ...coverage, ...completeness, report: await reportOutcomes(outcomes) };
    },
  );
  app.get<TaskRoute>(
    '/v1/tasks/:task/predictions',
    {
      schema: {
        summary: 'The newest predictions',
        description: 'At most 200 for each partition; the topic of predictions has all of them.',
        tags: ['measurements'],
        params: taskParameters,
        querystring: limitQuery(50, 1_000),
        response: { 200: predictionsSchema, ...problemResponses },
      },
    },
    async (request) => {
      const { task } = request.params;
      await installation.viewsOf(request, task);
      const found = await installation.predictions(request, task, request.query.limit);
      const predictions = found.predictions.map((one) => ({
        ...one,
        probabilities: Object.fromEntries(one.probabilities),
      }));
      return { task, ...found, predictions };
    },
  );
}
