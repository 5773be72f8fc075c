/** What the trainers of this process have to show, by (extractor, task): the API and the metrics read it here. */
import type { HeadMode } from '@headwater/heads';
import type { Metrics } from '@headwater/stream';
import { setId } from './example-bytes.ts';
import { prequentialMeasurements } from './prequential.ts';
import type { TaskLine } from './task-line.ts';

const solveBuckets = [0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30];

export class TrainBoard {
  readonly #lines = new Map<string, TaskLine>();
  readonly #metrics: ReturnType<typeof trainMetrics>;

  constructor(metrics: Metrics) {
    this.#metrics = trainMetrics(metrics);
  }

  show(line: TaskLine): void {
    const { extractor, task, newest } = line;
    this.#lines.set(setId(extractor, task), line);
    if (newest === undefined) return;
    this.#metrics.version.set(newest.version, { task, extractor });
    this.#metrics.examples.set(newest.examples, { task, extractor });
    const { prequentialAccuracyRecent } = prequentialMeasurements(line.prequential);
    if (prequentialAccuracyRecent === undefined) return;
    this.#metrics.accuracy.set(prequentialAccuracyRecent, { task, extractor });
  }

  hide(line: TaskLine): void {
    const id = setId(line.extractor, line.task);
    if (this.#lines.get(id) === line) this.#lines.delete(id);
  }

  solved(mode: HeadMode, seconds: number): void {
    this.#metrics.solve.observe(seconds, { mode });
  }

  failed(code: string): void {
    this.#metrics.failures.add(1, { code });
  }

  /** As of the last commit; empty where another process trains the task. */
  prequential(extractor: string, task: string): Record<string, number> {
    const line = this.#lines.get(setId(extractor, task));
    return line === undefined ? {} : prequentialMeasurements(line.prequential);
  }
}

function trainMetrics(metrics: Metrics) {
  const labels = ['task', 'extractor'];
  return {
    version: metrics.gauge('headwater_head_version', 'Version of the newest head', labels),
    examples: metrics.gauge('headwater_head_examples', 'Examples that the newest head has learned', labels),
    accuracy: metrics.gauge(
      'headwater_prequential_accuracy_ratio',
      'New examples that the newest head answered rightly before learning them, of the last 500',
      labels,
    ),
    failures: metrics.counter('headwater_solve_failures_total', 'Heads that could not be solved', ['code']),
    solve: metrics.histogram('headwater_solve_duration_seconds', 'Time to solve a head', solveBuckets, [
      'mode',
    ]),
  };
}
