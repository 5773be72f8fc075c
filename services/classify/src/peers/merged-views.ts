/** Parts of several processes as if they were one. */
import type { JoinView, TrainView } from '../api/task-views.ts';
import {
  type JoinCounts,
  type JoinPart,
  type NoveltySummary,
  type ServedSummary,
  summarizeNovelty,
  summarizeServed,
} from '../join/monitoring/join-metrics.ts';
import { mergeScores } from '../join/state/served-accuracy.ts';
import type { SeriesView } from '../train/scoring/train-metrics.ts';

type TaskPart = JoinPart['tasks'][number];

export class MergedJoin implements JoinView {
  readonly #parts: readonly JoinPart[];
  readonly #tasks = new Map<string, TaskPart[]>();

  constructor(parts: readonly JoinPart[]) {
    this.#parts = parts;
    for (const part of parts.flatMap(({ tasks }) => tasks)) {
      this.#tasks.set(part.task, [...(this.#tasks.get(part.task) ?? []), part]);
    }
  }

  tasks(): string[] {
    const isScored = (parts: readonly TaskPart[]) => parts.some(({ scores }) => scores !== null);
    return [...this.#tasks].filter(([, parts]) => isScored(parts)).map(([task]) => task);
  }

  served(task: string): ServedSummary {
    const parts = this.#tasks.get(task) ?? [];
    return summarizeServed(mergeScores(parts.flatMap(({ scores }) => scores ?? [])), {
      labelled: sum(parts, ({ sinceStart }) => sinceStart.labelled),
      correct: sum(parts, ({ sinceStart }) => sinceStart.correct),
    });
  }

  novelty(task: string): NoveltySummary {
    return summarizeNovelty((this.#tasks.get(task) ?? []).flatMap(({ novelties }) => novelties));
  }

  counts(): JoinCounts {
    const total = (name: keyof JoinCounts) => sum(this.#parts, ({ counts }) => counts[name]);
    return {
      images: total('images'),
      unmatched: total('unmatched'),
      predictions: total('predictions'),
      examples: total('examples'),
    };
  }
}

export class MergedTrain implements TrainView {
  readonly #series: readonly SeriesView[];

  constructor(series: readonly SeriesView[]) {
    this.#series = series;
  }

  prequential(extractor: string, task: string, kind: string): Readonly<Record<string, number>> {
    const found = this.seriesOf(task).find((one) => one.extractor === extractor && one.kind === kind);
    return found?.prequential ?? {};
  }

  seriesOf(task: string): SeriesView[] {
    return this.#series.filter((one) => one.task === task);
  }
}

function sum<T>(parts: readonly T[], pick: (part: T) => number): number {
  return parts.reduce((total, part) => total + pick(part), 0);
}
