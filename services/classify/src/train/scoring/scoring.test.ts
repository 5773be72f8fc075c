import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Draft } from '../../store/state.ts';
import { InMemoryState } from '../../testing/in-memory-state.ts';
import { measuredKey, scoresKey } from '../examples/example-bytes.ts';
import { type HeadSeries, newHeadSeries } from './head-series.ts';
import { Scoring } from './scoring.ts';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['performance'] });
});
afterEach(() => {
  vi.useRealTimers();
});

/** A series whose head always predicts the first of these classes. */
function lineOf(task: string, classes: readonly string[]): HeadSeries {
  const series = newHeadSeries('two.v1', task, 'lda');
  const probabilities = Float64Array.from(classes, (_, at) => (at === 0 ? 1 : 0));
  const predict = () => ({ label: classes[0] ?? '', probabilities, novelty: null });
  series.classifier = { kind: 'lda', classes, dimensions: 2, predict };
  return series;
}

function openScoring() {
  return new Scoring({ trainMetrics: { drifted: () => undefined }, logger: { warn: () => undefined } });
}

/** Scores one example, and returns the keys written with it. */
function score(scoring: Scoring, series: HeadSeries, label: string, hasPaused = false): string[] {
  scoring.score([series], change(series, label));
  return commit(scoring, hasPaused);
}

function commit(scoring: Scoring, hasPaused = false): string[] {
  const draft = new Draft(new InMemoryState());
  scoring.commit(draft, hasPaused);
  return [...draft.changes.keys()];
}

describe('the class tables', () => {
  it('are written after a change, at most once a second, and when labels pause', () => {
    const [scoring, series] = [openScoring(), lineOf('digit', ['a', 'b'])];
    const [scores, table] = [scoresKey(series), measuredKey(series)];
    expect(score(scoring, series, 'a')).toEqual([scores, table]);
    expect(score(scoring, series, 'b')).toEqual([scores]);
    vi.advanceTimersByTime(999);
    expect(score(scoring, series, 'b')).toEqual([scores]);
    vi.advanceTimersByTime(1);
    expect(commit(scoring)).toEqual([table]);
    vi.advanceTimersByTime(5_000);
    expect(commit(scoring)).toEqual([]);
    expect(score(scoring, series, 'a')).toEqual([scores, table]);
    expect(score(scoring, series, 'a', true)).toEqual([scores, table]);
  });

  it('are written more rarely the larger they are', () => {
    const classes = Array.from({ length: 4_000 }, (_, at) => `class ${at} with a long name`);
    const [scoring, series] = [openScoring(), lineOf('digit', classes)];
    for (const label of classes) scoring.score([series], change(series, label));
    expect(commit(scoring)).toContain(measuredKey(series));
    const size = series.scores.measuredState().length;
    expect(size).toBeGreaterThan(200_000);
    vi.advanceTimersByTime(size / 100 - 100);
    expect(score(scoring, series, 'class 1 with a long name')).not.toContain(measuredKey(series));
    vi.advanceTimersByTime(200);
    expect(commit(scoring)).toContain(measuredKey(series));
  });

  it('are written at once without an erased image, and only those with it', () => {
    const [scoring, series, other] = [
      openScoring(),
      lineOf('digit', ['a', 'b']),
      lineOf('colour', ['a', 'b']),
    ];
    score(scoring, series, 'b');
    expect(series.scores.measuredState().toString()).toContain('of b');
    score(scoring, other, 'b');
    scoring.forget([series], 'of b');
    expect(commit(scoring)).toEqual([measuredKey(series)]);
    expect(series.scores.measuredState().toString()).not.toContain('of b');
  });
});

function change({ extractor, task }: HeadSeries, label: string) {
  const added = { imageId: `of ${label}`, label, group: null, vector: new Int16Array(2) };
  return { extractor, task, dimensions: 2, removed: null, added };
}
