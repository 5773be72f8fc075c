import { describe, expect, it } from 'vitest';
import { type ScoredExample, SeriesScores } from './series-scores.ts';

function example(index: number, right: boolean, novelty: number | null = null): ScoredExample {
  return {
    imageId: `i${index}`,
    label: right ? 'a' : 'b',
    classes: ['a', 'b'],
    probabilities: Float64Array.of(0.8, 0.2),
    novelty,
    references: 2_000,
  };
}

const restored = (scores: SeriesScores) => SeriesScores.restore(scores.quickState(), scores.measuredState());

describe('the scores of a head series', () => {
  it('are empty before the first example', () => {
    expect(new SeriesScores().measurements()).toEqual({});
  });

  it('are the same after a restart', () => {
    const scores = new SeriesScores();
    for (let index = 0; index < 700; index++) scores.add(example(index, index % 5 !== 0, 0.5));
    const again = restored(scores);
    expect(again.measurements()).toEqual(scores.measurements());
    expect(again.measurements()).toMatchObject({
      prequentialExamples: 700,
      prequentialAccuracy: 0.8,
      'prequentialRecall/a': 1,
      prequentialTop2: 1,
    });
    for (const one of [scores, again]) one.add(example(700, false));
    expect(again.quickState()).toEqual(scores.quickState());
  });

  it('report a rise of errors once, and no fall', () => {
    const scores = new SeriesScores();
    const signs: string[] = [];
    const stream = (from: number, to: number, right: (index: number) => boolean) => {
      for (let index = from; index < to; index++) {
        signs.push(...scores.add(example(index, right(index))).map(({ sign }) => sign));
      }
    };
    stream(0, 1_000, (index) => index % 10 !== 0);
    expect(signs).toEqual([]);
    stream(1_000, 2_000, (index) => index % 10 === 0);
    expect(signs).toEqual(['errors']);
    stream(2_000, 3_000, (index) => index % 10 !== 0);
    expect(signs).toEqual(['errors']);
    const again = restored(scores);
    expect(again.drifts).toEqual({ errors: 1, novelty: 0 });
    expect(again.driftEvents).toEqual([
      { sign: 'errors', at: expect.any(Number), from: expect.closeTo(0.1, 1), to: expect.any(Number) },
    ]);
    expect(again.driftEvents[0]?.to).toBeGreaterThan(again.driftEvents[0]?.from ?? 1);
  });

  it('report a rise of novelty', () => {
    const scores = new SeriesScores();
    const signs = (novelty: (index: number) => number) =>
      Array.from({ length: 200 }, (_, index) => scores.add(example(index, true, novelty(index)))).flat();
    expect(signs((index) => (index * 0.618) % 1)).toEqual([]);
    expect(signs(() => 0.97).map(({ sign }) => sign)).toEqual(['novelty']);
  });

  it('list single classes only where they are few', () => {
    const scores = new SeriesScores();
    for (let index = 0; index < 60; index++) {
      scores.add({ ...example(index, true), label: `c${index}`, classes: [`c${index}`, 'other'] });
    }
    const names = Object.keys(scores.measurements());
    expect(names.filter((name) => name.includes('/'))).toEqual([]);
    expect(names).toContain('prequentialMacroF1');
  });
});
