/** What can be read of tasks and their heads. */
import type { FastifyInstance } from 'fastify';
import { headSchema, headsSchema, taskSchema, tasksSchema } from './response-schemas.ts';
import { problemResponses, taskParameters } from './route-schemas.ts';
import type { TaskViews } from './task-views.ts';

interface TaskRoute {
  readonly Params: { readonly task: string };
}

export function registerTasks(app: FastifyInstance, views: TaskViews): void {
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
      tasks: views.tasks().map((task) => views.task(task)),
      join: views.counts(),
    }),
  );
  app.get<TaskRoute>(
    '/v1/tasks/:task',
    one('One task: what serves it, and how well', taskSchema),
    async ({ params }) => views.task(params.task),
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
