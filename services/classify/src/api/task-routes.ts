/** What can be read of tasks and their heads. */
import type { FastifyInstance } from 'fastify';
import type { DecisionPolicyOf } from '../predict/decision-policy.ts';
import { describeSettings, type SettingsOf } from '../task-settings.ts';
import { headSchema, headsSchema, taskSchema, tasksSchema } from './response-schemas.ts';
import { problemResponses, taskParameters } from './route-schemas.ts';
import type { TaskViews } from './task-views.ts';

interface TaskRoute {
  readonly Params: { readonly task: string };
}

export interface TaskRouteOptions {
  readonly views: TaskViews;
  readonly settingsOf: SettingsOf;
  readonly rules: DecisionPolicyOf;
}

/** Not part of what all tasks are listed with: they are as they were set at start. */
const settingsSchema = {
  type: 'object',
  additionalProperties: true,
  description:
    'How the task is learned (by the environment, or by its own part of TASK_SETTINGS), and answered (MAX_ERROR_RATE, COSTS_FILE) by this process.',
  properties: {
    heads: { type: 'array', items: { type: 'string' } },
    window: {
      type: ['object', 'null'],
      description: 'Of the newest examples only: so many, or those of so long a time; null: of all.',
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
        'Share of the answers that may be wrong: less sure ones abstain; null: heads always answer.',
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
        'Truth to answer to cost, as COSTS_FILE has them; what is not named costs 1, a right answer 0. Null: all mistakes cost the same.',
    },
  },
} as const;

const wholeTaskSchema = {
  ...taskSchema,
  properties: { ...taskSchema.properties, settings: settingsSchema },
} as const;

export function registerTasks(app: FastifyInstance, { views, settingsOf, rules }: TaskRouteOptions): void {
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
    async () => ({
      tasks: views.summaries(),
      join: views.counts(),
    }),
  );
  app.get<TaskRoute>(
    '/v1/tasks/:task',
    one('One task: what serves it, how well, and how it is learned', wholeTaskSchema),
    async ({ params: { task } }) => ({
      ...views.task(task),
      settings: { ...describeSettings(settingsOf(task)), ...rules(task) },
    }),
  );
  app.get<TaskRoute>('/v1/tasks/:task/head', one('The head that serves', headSchema), async ({ params }) =>
    views.servingHead(params.task),
  );
  app.get<TaskRoute>(
    '/v1/tasks/:task/heads',
    one('The heads that are kept, newest first', headsSchema),
    async ({ params }) => ({
      heads: views.heads(params.task),
    }),
  );
}
