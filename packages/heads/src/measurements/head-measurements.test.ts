import { describe, expect, it } from 'vitest';
import { auroc } from './auroc.ts';
import { HeadMeasurements, maximumMeasuredClasses } from './head-measurements.ts';
import type { PredictionOutcome } from './prediction-outcome.ts';
import { rejectionCurve } from './rejection-curve.ts';

/**
 * Figures of scikit-learn 1.9.1 for these 24 predictions: `classification_report(…, output_dict=True)`, `confusion_matrix`,
 * `log_loss`, `brier_score_loss(…, scale_by_half=False)`, `top_k_accuracy_score` and `roc_auc_score` with its defaults, on
 * these labels and probabilities (drawn once with NumPy's default_rng(42) and rounded to three digits). The calibration error
 * is Guo's formula in NumPy.
 */
const classes = ['bee', 'cat', 'dog', 'eel'];
const labels = [
  'dog',
  'cat',
  'dog',
  'cat',
  'bee',
  'eel',
  'dog',
  'dog',
  'bee',
  'cat',
  'bee',
  'eel',
  'cat',
  'dog',
  'cat',
  'bee',
  'cat',
  'bee',
  'dog',
  'cat',
  'dog',
  'bee',
  'eel',
  'dog',
];
const probabilities = [
  [0.077, 0.083, 0.669, 0.171],
  [0.096, 0.323, 0.539, 0.042],
  [0.058, 0.043, 0.598, 0.301],
  [0.191, 0.306, 0.094, 0.409],
  [0.666, 0.164, 0.049, 0.121],
  [0.126, 0.14, 0.268, 0.466],
  [0.211, 0.114, 0.474, 0.201],
  [0.065, 0.204, 0.582, 0.149],
  [0.251, 0.444, 0.042, 0.263],
  [0.034, 0.429, 0.213, 0.324],
  [0.656, 0.214, 0.068, 0.062],
  [0.52, 0.182, 0.062, 0.236],
  [0.044, 0.606, 0.128, 0.222],
  [0.074, 0.134, 0.708, 0.084],
  [0.338, 0.367, 0.149, 0.146],
  [0.235, 0.381, 0.146, 0.238],
  [0.167, 0.537, 0.201, 0.095],
  [0.618, 0.262, 0.053, 0.067],
  [0.044, 0.062, 0.826, 0.068],
  [0.044, 0.778, 0.045, 0.133],
  [0.123, 0.254, 0.401, 0.222],
  [0.72, 0.017, 0.145, 0.118],
  [0.145, 0.062, 0.282, 0.511],
  [0.065, 0.052, 0.843, 0.04],
];
const scikitLearn = {
  classes: {
    bee: { precision: 0.8, recall: 0.6666666666666666, f1: 0.7272727272727273, support: 6 },
    cat: { precision: 0.7142857142857143, recall: 0.7142857142857143, f1: 0.7142857142857143, support: 7 },
    dog: { precision: 0.8888888888888888, recall: 1.0, f1: 0.9411764705882353, support: 8 },
    eel: { precision: 0.6666666666666666, recall: 0.6666666666666666, f1: 0.6666666666666666, support: 3 },
  },
  macro: { precision: 0.7674603174603174, recall: 0.7619047619047619, f1: 0.7623503947033358, support: 24 },
  weighted: { precision: 0.787962962962963, recall: 0.7916666666666666, f1: 0.7872103386809268, support: 24 },
  accuracy: 0.7916666666666666,
  confusion: [
    [4, 2, 0, 0],
    [0, 5, 1, 1],
    [0, 0, 8, 0],
    [1, 0, 0, 2],
  ],
  logLoss: 0.6962012687935593,
  brierScore: 0.36280416666666665,
  topK: [0.7916666666666666, 0.9166666666666666, 1],
  aurocOfConfidence: 0.8,
  aurocOfRoundedConfidence: 0.8473684210526315,
  calibrationError: 0.21883333333333335,
};

const outcomes: PredictionOutcome[] = labels.map((label, index) => {
  return {
    imageId: `image ${index}`,
    label,
    classes,
    probabilities: Float64Array.from(probabilities[index] ?? []),
  };
});

function measure(some: readonly PredictionOutcome[]): HeadMeasurements {
  const measurements = new HeadMeasurements();
  for (const outcome of some) measurements.add(outcome);
  return measurements;
}

function isRight({ label, probabilities: given }: PredictionOutcome): boolean {
  return classes[given.indexOf(Math.max(...given))] === label;
}

function expectScores(actual: object | undefined, expected: Record<string, number>) {
  for (const [name, value] of Object.entries(expected)) {
    expect(actual, name).toHaveProperty(name, expect.closeTo(value, 12));
  }
}

describe('HeadMeasurements', () => {
  const report = measure(outcomes).report();

  it.each(Object.entries(scikitLearn.classes))(
    'has the precision, recall and F1 of scikit-learn for class %s',
    (name, scores) => {
      expectScores(report.classes.get(name), scores);
    },
  );

  it('has the averages of the report of scikit-learn', () => {
    expectScores(report.macro, scikitLearn.macro);
    expectScores(report.weighted, scikitLearn.weighted);
    expectScores(report.micro, { precision: 19 / 24, recall: 19 / 24, f1: 19 / 24, support: 24 });
    expect(report.accuracy).toBeCloseTo(scikitLearn.accuracy, 12);
  });

  it('has the confusion matrix of scikit-learn', () => {
    const expected = classes.flatMap((label, row) =>
      classes.map((predicted, column) => [label, predicted, scikitLearn.confusion[row]?.[column]]),
    );
    expect(report.confusion).toEqual(expected.filter(([, , count]) => count !== 0));
  });

  it('has the log loss, Brier score, calibration error and top-k accuracy of scikit-learn', () => {
    expect(report.logLoss).toBeCloseTo(scikitLearn.logLoss, 12);
    expect(report.brierScore).toBeCloseTo(scikitLearn.brierScore, 12);
    expect(report.calibrationError).toBeCloseTo(scikitLearn.calibrationError, 12);
    expect(report.topK.slice(0, 3)).toEqual(scikitLearn.topK.map((value) => expect.closeTo(value, 12)));
  });

  it('matches the exact rejection curve to a thousandth of confidence', () => {
    const exact = rejectionCurve(
      outcomes.map((outcome) => ({
        confidence: Math.max(...outcome.probabilities),
        correct: isRight(outcome),
      })),
    );
    expect(report.rejection.map(({ coverage, accuracy }) => [coverage, accuracy])).toEqual(
      exact.map(({ coverage, accuracy }) => [coverage, accuracy]),
    );
  });

  it('lists misclassified examples, the most confident mistakes first', () => {
    expect(report.worst).toHaveLength(5);
    const losses = report.worst.map(({ logLoss }) => logLoss);
    expect(losses).toEqual([...losses].sort((a, b) => b - a));
    expect(report.worst.every(({ label, predicted }) => label !== predicted)).toBe(true);
  });

  it('gives the same figures for merged workers, in any order, and for restored states', () => {
    const parts = [outcomes.slice(17), outcomes.slice(0, 5), outcomes.slice(5, 17)].map(measure);
    const merged = new HeadMeasurements();
    for (const part of parts) {
      merged.merge(HeadMeasurements.fromState(JSON.parse(JSON.stringify(part.state()))));
    }
    const again = merged.report();
    expect(again.confusion).toEqual(report.confusion);
    expect(again.worst).toEqual(report.worst);
    expect(again.topK).toEqual(report.topK);
    expect(again.rejection).toEqual(report.rejection);
    expect(again.logLoss).toBeCloseTo(report.logLoss ?? Number.NaN, 12);
    expect(again.brierScore).toBeCloseTo(report.brierScore ?? Number.NaN, 12);
    expect(again.calibrationError).toBeCloseTo(report.calibrationError ?? Number.NaN, 12);
  });

  it('reads a version 1 state, which kept all pairs of classes', () => {
    const state = measure(outcomes).state();
    const former = { ...state, version: 1, confusion: report.confusion } as const;
    const again = HeadMeasurements.fromState(JSON.parse(JSON.stringify(former)));
    expect(again.report()).toEqual(report);
    expect(again.state()).toEqual(state);
  });

  it('counts a class unknown to the head as wrong, with a finite loss', () => {
    const unknown = {
      imageId: 'x',
      label: 'fox',
      classes,
      probabilities: Float64Array.of(0.7, 0.1, 0.1, 0.1),
    };
    const surprised = measure([unknown]).report();
    expect(surprised.accuracy).toBe(0);
    expect(surprised.logLoss).toBeCloseTo(-Math.log(Number.EPSILON), 12);
    expect(surprised.brierScore).toBeCloseTo(0.49 + 0.03 + 1, 12);
    expect(surprised.topK).toEqual([0, 0, 0, 0, 0]);
  });

  it('has null figures, never NaN, before the first prediction', () => {
    const nothing = new HeadMeasurements().report();
    expect(nothing).toMatchObject({
      accuracy: null,
      logLoss: null,
      brierScore: null,
      calibrationError: null,
    });
    const none = { precision: null, recall: null, f1: null, support: 0 };
    expect(nothing).toMatchObject({ macro: none, weighted: none, micro: none });
  });

  it('rejects more classes than the memory limit', () => {
    const measurements = new HeadMeasurements();
    const probabilitiesOfOne = Float64Array.of(1);
    const add = (label: string) =>
      measurements.add({ imageId: label, label, classes: [label], probabilities: probabilitiesOfOne });
    for (let k = 0; k < maximumMeasuredClasses; k++) add(`class ${k}`);
    expect(() => add('one more')).toThrow(expect.objectContaining({ code: 'limit-exceeded' }));
    expect(measurements.examples).toBe(maximumMeasuredClasses);
  });
});

describe('auroc', () => {
  const cases = outcomes.map((outcome) => ({
    score: Math.max(...outcome.probabilities),
    positive: isRight(outcome),
  }));

  it('equals the area of scikit-learn, with and without ties', () => {
    const rounded = cases.map(({ score, positive }) => ({ score: Number(score.toFixed(1)), positive }));
    expect(auroc(cases)).toBeCloseTo(scikitLearn.aurocOfConfidence, 12);
    expect(auroc(rounded)).toBeCloseTo(scikitLearn.aurocOfRoundedConfidence, 12);
  });

  it('is one half for a constant score and null where one class is missing', () => {
    expect(auroc(cases.map(({ positive }) => ({ score: 1, positive })))).toBe(0.5);
    expect(auroc(cases.filter(({ positive }) => positive))).toBeNull();
    expect(auroc([])).toBeNull();
  });
});
