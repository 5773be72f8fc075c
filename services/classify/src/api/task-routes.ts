/** Routes that read tasks and their heads. */
import type { FastifyInstance } from 'fastify';
import type { Installation } from '../peers/installation.ts';
import type { DecisionPolicyOf } from '../predict/decision-policy.ts';
import { describeSettings, type SettingsOf } from '../task-settings.ts';
import { headSchema, headsSchema, taskSchema, tasksSchema } from './response-schemas.ts';
import { problemResponses, taskParameters } from './route-schemas.ts';

interface TaskRoute {
  readonly Params: { readonly task: string };
}

export interface TaskRouteOptions {
  readonly installation: Installation;
  readonly settingsOf: SettingsOf;
  readonly rules: DecisionPolicyOf;
}

/** Left out of the list of tasks, since settings do not change while the process runs. */
const settingsSchema = {
  type: 'object',
  additionalProperties: true,
  description:
    'How this process trains the task (environment, TASK_SETTINGS) and predicts it (MAX_ERROR_RATE, COSTS_FILE).',
  properties: {
    heads: { type: 'array', items: { type: 'string' } },
    window: {
      type: ['object', 'null'],
      description:
        'Heads learn this number of newest examples, or the examples of this time; null: all of them.',
      additionalProperties: true,
      properties: {
        newest: { type: 'integer', minimum: 1 },
        milliseconds: { type: 'integer', minimum: 1 },
      },
    },
    prior: { type: 'string', enum: ['uniform', 'empirical'] },
    lift: { type: ['integer', 'null'] },
    mlpUnits: { type: 'integer', minimum: 1 },
    maxExamples: { type: 'integer', minimum: 1 },
    maxErrorRate: {
      type: ['number', 'null'],
      description:
        'Maximum error rate: predictions below the confidence threshold abstain; null: heads never abstain.',
    },
    costs: {
      anyOf: [
        {
          type: 'object',
          additionalProperties: { type: 'object', additionalProperties: { type: 'number' } },
        },
        { type: 'null' },
      ],
      description:
        'Cost by truth and prediction, as in COSTS_FILE; by default 1, and 0 for a correct prediction. Null: all mistakes cost the same.',
    },
  },
} as const;

const wholeTaskSchema = {
  ...taskSchema,
  properties: { ...taskSchema.properties, settings: settingsSchema },
} as const;

export function registerTasks(
  app: FastifyInstance,
  { installation, settingsOf, rules }: TaskRouteOptions,
): void {
  const one = (summary: string, answer: object) => ({
    schema: {
      summary,
      tags: ['tasks'],
      params: taskParameters,
      response: { 200: answer, ...problemResponses },
    },
  });
  app.get(
    '/v1/tasks',
    { schema: { summary: 'All tasks', tags: ['tasks'], response: { 200: tasksSchema } } },
    async (request) => {
      const { views: all, completeness } = await installation.views(request);
      return { tasks: all.summaries(), join: all.counts(), ...completeness };
    },
  );
  app.get<TaskRoute>(
    '/v1/tasks/:task',
    one('One task: its serving head, measurements and settings', wholeTaskSchema),
    async (request) => {
      const { task } = request.params;
      const gathered = await installation.views(request, task);
      const settings = { ...describeSettings(settingsOf(task)), ...rules(task) };
      return { ...gathered.views.task(task), settings, ...gathered.completeness };
    },
  );
  app.get<TaskRoute>('/v1/tasks/:task/head', one('The serving head', headSchema), async (request) => {
    const { task } = request.params;
    return { ...(await installation.viewsOf(request, task)).servingHead(task), asOf: Date.now() };
  });
  app.get<TaskRoute>(
    '/v1/tasks/:task/heads',
    one('The retained heads, newest first', headsSchema),
    async (request) => {
      const { task } = request.params;
      return { heads: (await installation.viewsOf(request, task)).heads(task), asOf: Date.now() };
    },
  );
}
