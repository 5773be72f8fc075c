import { describe, expect, it } from 'vitest';
import { findThreshold, Measurements } from './measurements.ts';

const classes = ['a', 'b', 'c'];

function tally(rows: [string, number[]][], options = {}) {
  const measurements = new Measurements(options);
  rows.forEach(([truth, probabilities], i) => {
    const label = classes[probabilities.indexOf(Math.max(...probabilities))] ?? '';
    measurements.add(
      `image ${i}`,
      classes,
      { label, probabilities: Float64Array.from(probabilities), novelty: null },
      truth,
    );
  });
  return measurements.report();
}

const rows: [string, number[]][] = [
  ['a', [0.9, 0.05, 0.05]],
  ['a', [0.3, 0.6, 0.1]],
  ['b', [0.1, 0.8, 0.1]],
  ['c', [0.5, 0.3, 0.2]],
  ['x', [0.2, 0.2, 0.6]],
];

describe('measurements', () => {
  const report = tally(rows);

  it('count what is confused with what', () => {
    expect(report.classes.map(({ label }) => label)).toEqual(['a', 'b', 'c', 'x']);
    expect(report.confusion).toEqual([
      [1, 1, 0, 0],
      [0, 1, 0, 0],
      [1, 0, 0, 0],
      [0, 0, 1, 0],
    ]);
  });

  it('give the figures of the classification report that scikit-learn prints for the same rows', () => {
    expect(report.accuracy).toBeCloseTo(0.4);
    expect(report.classes[0]).toEqual({ label: 'a', support: 2, precision: 0.5, recall: 0.5, f1: 0.5 });
    expect(report.classes[1]).toEqual({ label: 'b', support: 1, precision: 0.5, recall: 1, f1: 2 / 3 });
    expect(report.classes[2]).toEqual({ label: 'c', support: 1, precision: 0, recall: 0, f1: 0 });
    expect(report.balancedAccuracy).toBeCloseTo((0.5 + 1 + 0 + 0) / 4);
    expect(report.macroF1).toBeCloseTo((0.5 + 2 / 3) / 4);
  });

  it('give log loss, with a finite price for a class that the head does not know', () => {
    const known = Math.log(0.9) + Math.log(0.3) + Math.log(0.8) + Math.log(0.2);
    expect(report.logLoss).toBeCloseTo(-(known + Math.log(1e-15)) / 5);
  });

  it('give calibration error by bins of a fifteenth', () => {
    // Bins: 0.5 (wrong), 0.6 and 0.6 (both wrong), 0.8 (right), 0.9 (right).
    expect(report.calibrationError).toBeCloseTo((0.5 + 1.2 + 0.2 + 0.1) / 5);
  });

  it('give the truth among the k most probable', () => {
    expect(report.topAccuracy).toEqual([0.4, 0.6, 0.8, 0.8, 0.8]);
  });

  it('give a rejection curve, and the threshold for a wanted error', () => {
    expect(report.rejection.at(0)).toEqual({ threshold: 0.5, coverage: 1, error: 0.6 });
    expect(report.rejection.at(-1)).toEqual({ threshold: 0.9, coverage: 0.2, error: 0 });
    expect(findThreshold(report.rejection, 0.3)).toBe(0.8);
    expect(findThreshold(report.rejection, 0.6)).toBe(0.5);
    expect(findThreshold(tally([['a', [0, 1, 0]]]).rejection, 0.5)).toBeNull();
  });

  it('keep the worst, and no more than asked for', () => {
    expect(tally(rows, { worst: 2 }).worst).toEqual([
      { imageId: 'image 4', truth: 'x', label: 'c', probability: 0 },
      { imageId: 'image 3', truth: 'c', label: 'a', probability: 0.2 },
    ]);
    expect(tally(rows, { worst: 0 }).worst).toEqual([]);
  });

  it('are finite with nothing counted', () => {
    expect(tally([])).toMatchObject({
      examples: 0,
      accuracy: 0,
      logLoss: 0,
      calibrationError: 0,
      macroF1: 0,
    });
  });

  it('refuse more classes than allowed', () => {
    expect(() => tally(rows, { maximumClasses: 3 })).toThrow(
      expect.objectContaining({ code: 'limit-exceeded' }),
    );
  });
});
