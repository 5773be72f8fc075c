import { describe, expect, it } from 'vitest';
import { Prequential } from './prequential.ts';

function scored(prequential: Prequential, scores: readonly boolean[]): Prequential {
  for (const correct of scores) prequential.addScore(correct, correct ? 0.1 : 2);
  return prequential;
}

const badStart = [...new Array(60).fill(false), ...new Array(140).fill(true)] as boolean[];

describe('Prequential', () => {
  it('reports figures over all examples and over recent ones', () => {
    const { total, recent } = scored(new Prequential({ window: 50 }), badStart).report();
    expect(total).toEqual({
      examples: 200,
      accuracy: 0.7,
      logLoss: expect.closeTo((60 * 2 + 140 * 0.1) / 200, 12),
    });
    expect(recent).toEqual({ examples: 50, accuracy: 1, logLoss: expect.closeTo(0.1, 12) });
  });

  it('fades by the documented formula', () => {
    const { fading } = scored(new Prequential({ fading: 0.9 }), [true, false, true]).report();
    expect(fading.accuracy).toBeCloseTo((0.81 + 1) / (0.81 + 0.9 + 1), 12);
    expect(fading.logLoss).toBeCloseTo((0.81 * 0.1 + 0.9 * 2 + 0.1) / (0.81 + 0.9 + 1), 12);
  });

  it('equals the overall mean with a fading of one', () => {
    const { fading, total } = scored(new Prequential({ fading: 1 }), badStart).report();
    expect(fading.accuracy).toBeCloseTo(total.accuracy ?? Number.NaN, 12);
  });

  it('scores a prediction against its label', () => {
    const prequential = new Prequential();
    const probabilities = Float64Array.of(0.25, 0.75);
    expect(prequential.add({ imageId: 'a', label: 'yes', classes: ['no', 'yes'], probabilities })).toBe(true);
    expect(prequential.add({ imageId: 'b', label: 'no', classes: ['no', 'yes'], probabilities })).toBe(false);
    expect(prequential.report().total).toEqual({
      examples: 2,
      accuracy: 0.5,
      logLoss: expect.closeTo((-Math.log(0.75) - Math.log(0.25)) / 2, 12),
    });
  });

  it('continues from a restored state without a difference', () => {
    const scores = Array.from({ length: 300 }, (_, index) => index % 7 !== 0 || index > 200);
    const whole = scored(new Prequential({ window: 40 }), scores);
    const first = scored(new Prequential({ window: 40 }), scores.slice(0, 123));
    const second = scored(
      Prequential.fromState(JSON.parse(JSON.stringify(first.state()))),
      scores.slice(123),
    );
    expect(second.report()).toEqual(whole.report());
    expect(second.state()).toEqual(whole.state());
  });

  it('has null figures before the first example', () => {
    const nothing = { examples: 0, accuracy: null, logLoss: null };
    expect(new Prequential().report()).toEqual({ total: nothing, recent: nothing, fading: nothing });
  });

  it.each([{ window: 0 }, { window: 1.5 }, { fading: 0 }, { fading: 1.1 }])('rejects %j', (options) => {
    expect(() => new Prequential(options)).toThrow(expect.objectContaining({ code: 'config-invalid' }));
  });
});
