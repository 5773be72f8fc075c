/** All measurements of one kind of head, prequential or on held-out examples. */
import { HeadwaterError } from '@headwater/errors';
import { areaUnderRejectionCurve, type HeadKind, type MeasurementReport } from '@headwater/heads';
import { disconnectSignal } from '@headwater/http';
import type { FastifyInstance } from 'fastify';
import { trainedKinds } from '../environment.ts';
import type { Installation } from '../peers/installation.ts';
import type { Reviewer } from '../review/reviewer.ts';
import type { TrainMetrics } from '../train/scoring/train-metrics.ts';
import { headReportSchema } from './response-schemas.ts';
import { problemResponses, taskParameters } from './route-schemas.ts';
import type { TaskViews } from './task-views.ts';

export interface HeadReportOptions {
  readonly installation: Installation;
  readonly reviewer: Reviewer;
  readonly trainMetrics: TrainMetrics;
}

interface HeadReportRoute {
  readonly Params: { readonly task: string; readonly kind: HeadKind };
  readonly Querystring: { readonly extractor?: string; readonly over: 'prequential' | 'held-out' };
}

const params = {
  type: 'object',
  required: ['task', 'kind'],
  properties: {
    task: taskParameters.properties.task,
    kind: { type: 'string', enum: trainedKinds, description: 'The kind of head.' },
  },
} as const;

const querystring = {
  type: 'object',
  additionalProperties: false,
  properties: {
    extractor: {
      type: 'string',
      description: 'The extractor of the vectors; by default that of the serving head.',
    },
    over: {
      type: 'string',
      enum: ['prequential', 'held-out'],
      default: 'prequential',
      description:
        'prequential: each new example since the kind began to learn, predicted by the newest head before any head learned it. held-out: up to 2,000 examples of the current training set, predicted by five settled heads, each trained without a fifth of them (cross-validation); computed on request, in seconds.',
    },
  },
} as const;

export function registerHeadReport(app: FastifyInstance, options: HeadReportOptions): void {
  const schema = {
    summary: 'All measurements of one kind of head',
    description:
      'Confusion matrix, precision, recall and F1 of each class, log loss, calibration, top-k, rejection curve and the worst predictions. The process that trains the task responds; without HTTP_ADVERTISED_URL, any other returns 421 and the partition of the task.',
    tags: ['measurements'],
    params,
    querystring,
    response: { 200: headReportSchema, ...problemResponses },
  };
  app.get<HeadReportRoute>('/v1/tasks/:task/measurements/:kind', { schema }, async (request, reply) => {
    const { params, query } = request;
    const { task, kind } = params;
    const head = findSeries(await options.installation.viewsOf(request, task), task, kind, query.extractor);
    const series = { task, extractor: head.extractor, kind, version: head.version, over: query.over };
    return options.installation.atTrainer(request, reply, task, disconnectSignal(reply), async () => {
      options.reviewer.require(head.extractor, task);
      const found =
        query.over === 'prequential' ? prequential(options, series) : await heldOut(options, series);
      return { ...series, ...found, asOf: Date.now() };
    });
  });
}

type SeriesName = Readonly<{ task: string; extractor: string; kind: HeadKind }>;

/** The newest head of the series. Errors: not-found. */
function findSeries(views: TaskViews, task: string, kind: HeadKind, extractor?: string) {
  const heads = views.heads(task);
  const wanted = extractor ?? (heads.find(({ serving }) => serving) ?? heads[0])?.extractor;
  const head = heads.find((one) => one.kind === kind && one.extractor === wanted);
  if (head !== undefined) return head;
  const known = [...new Set(heads.map((one) => `${one.kind} of ${one.extractor}`))].sort();
  const there = known.length === 0 ? 'it has no head yet' : `there are ${known.join(', ')}`;
  throw new HeadwaterError('not-found', `the task has no such head of kind ${kind}: ${there}`);
}

function prequential({ trainMetrics }: HeadReportOptions, { extractor, task, kind }: SeriesName) {
  const report = trainMetrics.report(extractor, task, kind);
  if (report === undefined)
    throw new HeadwaterError(
      'not-found',
      `heads of kind ${kind} are not trained any more; add the kind to HEADS or TASK_SETTINGS`,
    );
  return { considered: report.support, report: asAnswer(report) };
}

async function heldOut({ reviewer }: HeadReportOptions, { extractor, task, kind }: SeriesName) {
  if (kind === 'mlp') {
    throw new HeadwaterError(
      'request-invalid',
      'cross-validation of heads of kind mlp takes too long; use their prequential measurements',
    );
  }
  const { report, judged, folds, learned, note } = await reviewer.heldOut(extractor, task, kind);
  return { considered: judged, folds, learned, note, report: asAnswer(report) };
}

function asAnswer(report: MeasurementReport) {
  return {
    ...report,
    classes: Object.fromEntries(report.classes),
    areaUnderRejectionCurve: areaUnderRejectionCurve(report.rejection),
  };
}
