import { createMetrics } from '@headwater/stream';
import { expect, it } from 'vitest';
import { JoinBoard } from '../join/join-board.ts';
import type { HeadsTable, KnownHead } from '../predict/heads-table.ts';
import type { ServingHeads } from '../predict/serving-heads.ts';
import { TrainBoard } from '../train/train-board.ts';
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
    joinBoard: new JoinBoard(metrics),
    trainBoard: new TrainBoard(metrics),
    declaredTasks: [],
    coverage: () => ({ partitions: [0], ofPartitions: 1 }),
    trainsHere: () => true,
  });
  expect(views.heads('digit')[0]?.measurements).toEqual({ accuracy: 0.9 });
  expect(views.task('digit').newest?.measurements).toEqual({ accuracy: 0.9 });
});
