/** Routes that pin a head and remove the pin. */
import { setTimeout } from 'node:timers/promises';
import { HeadwaterError } from '@headwater/errors';
import type { LogProducer } from '@headwater/log';
import type { Codec, HeadActivated } from '@headwater/schemas';
import type { FastifyInstance } from 'fastify';
import { activationOf, isSameHead } from '../model-registry/serving-choice.ts';
import { servingRecord } from '../model-registry/serving-record.ts';
import { taskSchema } from './response-schemas.ts';
import { headParameters, problemResponses, seriesQuery, taskParameters } from './route-schemas.ts';
import type { HeadView, TaskView, TaskViews } from './task-views.ts';

/** How long a response waits until the activation is read back from the log. */
const timeoutMs = 5_000;
const pollMs = 20;

export interface ActivationOptions {
  readonly views: TaskViews;
  readonly producer: LogProducer;
  readonly servingTopic: string;
  readonly codec: Codec<HeadActivated>;
}

interface PinRoute {
  readonly Params: { readonly task: string; readonly version: number };
  readonly Querystring: { readonly extractor?: string; readonly kind?: string };
}

interface UnpinRoute {
  readonly Params: { readonly task: string };
}

export function registerActivations(app: FastifyInstance, options: ActivationOptions): void {
  const pin = { summary: 'Pin this head: it serves until it is unpinned', tags: ['heads'] };
  const response = { 200: taskSchema, ...problemResponses };
  const schema = { ...pin, params: headParameters, querystring: seriesQuery, response };
  app.post<PinRoute>('/v1/tasks/:task/heads/:version/activate', { schema }, async ({ params, query }) => {
    const head = findHead(options.views.heads(params.task), params.version, query);
    await activate(options, head, 'pinned');
    return awaitServing(options.views, head, true);
  });
  const unpin = {
    summary: 'Remove the pin: the champion serves again',
    tags: ['heads'],
    params: taskParameters,
    response,
  };
  app.delete<UnpinRoute>('/v1/tasks/:task/pin', { schema: unpin }, async ({ params }) => {
    const view = options.views.task(params.task);
    // The task has lost its last example, so no pin is left, and a head of retracted examples must not serve again.
    if (!options.views.isActive(params.task) && options.views.heads(params.task).length > 0) return view;
    const { newest } = view;
    if (newest === null)
      throw new HeadwaterError('head-not-ready', 'the task has no head yet; label some images');
    await activate(options, newest, 'champion');
    return awaitServing(options.views, newest, false);
  });
}

/** Errors: not-found, request-invalid (several series have this version). */
function findHead(
  heads: readonly HeadView[],
  version: number,
  series: { readonly extractor?: string; readonly kind?: string },
): HeadView {
  const found = heads.filter(
    (head) =>
      head.version === version &&
      (series.extractor === undefined || head.extractor === series.extractor) &&
      (series.kind === undefined || head.kind === series.kind),
  );
  const [head, another] = found;
  if (head === undefined) throw new HeadwaterError('not-found', 'the task has no head of this version');
  if (another === undefined) return head;
  throw new HeadwaterError('request-invalid', 'several heads have this version; give ?extractor= and ?kind=');
}

async function activate(
  options: ActivationOptions,
  head: HeadView,
  reason: HeadActivated['reason'],
): Promise<void> {
  const { producer, servingTopic, codec } = options;
  const topic = { topics: { serving: servingTopic }, serving: codec };
  const unpins = reason === 'champion';
  await producer.send([servingRecord(head.task, activationOf(head, reason), topic, { unpins })]);
}

/** Resolves when this process serves the written activation, or a later champion. Errors: timed-out. */
async function awaitServing(views: TaskViews, head: HeadView, pinned: boolean): Promise<TaskView> {
  const deadline = Date.now() + timeoutMs;
  while (Date.now() < deadline) {
    const view = views.task(head.task);
    const isThere = pinned ? view.head !== null && isSameHead(view.head, head) : views.isUpToDate(head.task);
    if ((view.head?.pinned ?? false) === pinned && isThere) return view;
    await setTimeout(pollMs);
  }
  throw new HeadwaterError('timed-out', 'the activation was written, but has not taken effect yet');
}
