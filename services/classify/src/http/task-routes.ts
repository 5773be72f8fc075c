/** What can be read of tasks and their heads. */
import type { FastifyInstance } from 'fastify';
import { taskParameters } from './route-schemas.ts';
import type { TaskViews } from './task-views.ts';

interface TaskRoute {
  readonly Params: { readonly task: string };
}

export function registerTasks(app: FastifyInstance, views: TaskViews): void {
  const one = (summary: string) => ({ schema: { summary, tags: ['tasks'], params: taskParameters } });
  app.get('/v1/tasks', { schema: { summary: 'All tasks', tags: ['tasks'] } }, async () => ({
    tasks: views.tasks().map((task) => views.task(task)),
    join: views.counts(),
  }));
  app.get<TaskRoute>('/v1/tasks/:task', one('One task: what serves it, and how well'), async ({ params }) =>
    views.task(params.task),
  );
  app.get<TaskRoute>('/v1/tasks/:task/head', one('The head that serves'), async ({ params }) =>
    views.servingHead(params.task),
  );
  app.get<TaskRoute>(
    '/v1/tasks/:task/heads',
    one('The heads that are kept, newest first'),
    async ({ params }) => ({
      heads: views.heads(params.task),
    }),
  );
  app.get<TaskRoute>(
    '/v1/tasks/:task/measurements',
    one('Served and prequential accuracy, and each head’s figures'),
    async ({ params }) => views.measurements(params.task),
  );
}
