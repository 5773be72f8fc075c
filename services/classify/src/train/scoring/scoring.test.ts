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
  const line = newHeadSeries('two.v1', task, 'lda');
  const probabilities = Float64Array.from(classes, (_, at) => (at === 0 ? 1 : 0));
  const predict = () => ({ label: classes[0] ?? '', probabilities, novelty: null });
  line.classifier = { kind: 'lda', classes, dimensions: 2, predict };
  return line;
}

function openScoring() {
  return new Scoring({ board: { drifted: () => undefined }, logger: { warn: () => undefined } });
}

/** Scores one example, and returns the keys written with it. */
function score(scoring: Scoring, line: HeadSeries, label: string, hasPaused = false): string[] {
  scoring.score([line], change(line, label));
  return commit(scoring, hasPaused);
}

function commit(scoring: Scoring, hasPaused = false): string[] {
  const draft = new Draft(new InMemoryState());
  scoring.commit(draft, hasPaused);
  return [...draft.changes.keys()];
}

describe('the class tables', () => {
  it('are written after a change, at most once a second, and when labels pause', () => {
    const [scoring, line] = [openScoring(), lineOf('digit', ['a', 'b'])];
    const [scores, table] = [scoresKey(line), measuredKey(line)];
    expect(score(scoring, line, 'a')).toEqual([scores, table]);
    expect(score(scoring, line, 'b')).toEqual([scores]);
    vi.advanceTimersByTime(999);
    expect(score(scoring, line, 'b')).toEqual([scores]);
    vi.advanceTimersByTime(1);
    expect(commit(scoring)).toEqual([table]);
    vi.advanceTimersByTime(5_000);
    expect(commit(scoring)).toEqual([]);
    expect(score(scoring, line, 'a')).toEqual([scores, table]);
    expect(score(scoring, line, 'a', true)).toEqual([scores, table]);
  });

  it('are written more rarely the larger they are', () => {
    const classes = Array.from({ length: 4_000 }, (_, at) => `class ${at} with a long name`);
    const [scoring, line] = [openScoring(), lineOf('digit', classes)];
    for (const label of classes) scoring.score([line], change(line, label));
    expect(commit(scoring)).toContain(measuredKey(line));
    const size = line.scores.measuredState().length;
    expect(size).toBeGreaterThan(200_000);
    vi.advanceTimersByTime(size / 100 - 100);
    expect(score(scoring, line, 'class 1 with a long name')).not.toContain(measuredKey(line));
    vi.advanceTimersByTime(200);
    expect(commit(scoring)).toContain(measuredKey(line));
  });

  it('are written at once without an erased image, and only those with it', () => {
    const [scoring, line, other] = [openScoring(), lineOf('digit', ['a', 'b']), lineOf('colour', ['a', 'b'])];
    score(scoring, line, 'b');
    expect(line.scores.measuredState().toString()).toContain('of b');
    score(scoring, other, 'b');
    scoring.forget([line], 'of b');
    expect(commit(scoring)).toEqual([measuredKey(line)]);
    expect(line.scores.measuredState().toString()).not.toContain('of b');
  });
});

function change({ extractor, task }: HeadSeries, label: string) {
  const added = { imageId: `of ${label}`, label, group: null, vector: new Int16Array(2) };
  return { extractor, task, dimensions: 2, removed: null, added };
}
