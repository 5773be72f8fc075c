import { createMetrics } from '@headwater/service-kit';
import { expect, it } from 'vitest';
import { JoinMetrics } from '../join/monitoring/join-metrics.ts';
import type { HeadsTable, KnownHead } from '../model-registry/heads-table.ts';
import type { ServingHeads } from '../model-registry/serving-heads.ts';
import { TrainMetrics } from '../train/scoring/train-metrics.ts';
import { TaskViews } from './task-views.ts';

it('tells no measurement that JSON has no number for', () => {
  const metrics = createMetrics({ processDefaults: false });
  const measurements = { accuracy: 0.9, logLoss: Number.POSITIVE_INFINITY, gap: Number.NaN };
  const head = { extractor: 'a.v1', task: 'digit', kind: 'lda', version: 1, measurements };
  const views = new TaskViews({
    table: {
      tasks: () => new Set(['digit']),
      headsOf: () => [head as unknown as KnownHead],
      activation: () => head,
    } as unknown as HeadsTable,
    serving: { get: () => undefined } as unknown as ServingHeads,
    joinMetrics: new JoinMetrics(metrics),
    trainMetrics: new TrainMetrics(metrics),
    declaredTasks: [],
    coverage: () => ({ partitions: [0], ofPartitions: 1 }),
    trainsHere: () => true,
  });
  expect(views.heads('digit')[0]?.measurements).toEqual({ accuracy: 0.9 });
  expect(views.task('digit').newest?.measurements).toEqual({ accuracy: 0.9 });
});
