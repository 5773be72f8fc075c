/**
 * Precision, recall and F1, for each class and averaged, with the names and conventions of scikit-learn's
 * `classification_report`.
 */
import type { ConfusionMatrix } from './confusion-matrix.ts';

export interface ClassScores {
  /** Share of predictions of this class that were right; 0 where there are none. */
  readonly precision: number;
  /** Share of examples of this class that were predicted as it; 0 where there are none. */
  readonly recall: number;
  /** Harmonic mean of both; 0 where both are 0. */
  readonly f1: number;
  /** Examples of this class. */
  readonly support: number;
}

/** Averages over classes: each null while nothing was counted, as is accuracy. */
export interface AverageScores {
  readonly precision: number | null;
  readonly recall: number | null;
  readonly f1: number | null;
  readonly support: number;
}

export interface ClassificationReport {
  /** Null while nothing was counted. */
  readonly accuracy: number | null;
  readonly support: number;
  /** In the order of the matrix's classes: those that were true or predicted at least once. */
  readonly classes: ReadonlyMap<string, ClassScores>;
  /** Unweighted means over classes. */
  readonly macro: AverageScores;
  /** Means over classes, weighted by support. */
  readonly weighted: AverageScores;
  /** Over all predictions together: with one label for each image all three equal accuracy. */
  readonly micro: AverageScores;
}

const noScores: AverageScores = { precision: null, recall: null, f1: null, support: 0 };

export function reportOf(matrix: ConfusionMatrix): ClassificationReport {
  const { classes: labels, total } = matrix;
  let correct = 0;
  const classes = new Map(
    labels.map((label) => {
      const { support, predicted, right } = matrix.countsOf(label);
      correct += right;
      return [label, scoresOf(right, predicted, support)];
    }),
  );
  const scores = [...classes.values()];
  return {
    accuracy: total === 0 ? null : correct / total,
    support: total,
    classes,
    macro: averageOf(scores, () => 1, total),
    weighted: averageOf(scores, ({ support }) => support, total),
    micro: total === 0 ? noScores : scoresOf(correct, total, total),
  };
}

function scoresOf(hits: number, predicted: number, support: number): ClassScores {
  return {
    precision: predicted === 0 ? 0 : hits / predicted,
    recall: support === 0 ? 0 : hits / support,
    f1: predicted + support === 0 ? 0 : (2 * hits) / (predicted + support),
    support,
  };
}

function averageOf(
  scores: readonly ClassScores[],
  weigh: (scores: ClassScores) => number,
  support: number,
): AverageScores {
  if (support === 0) return noScores;
  const weights = scores.reduce((sum, one) => sum + weigh(one), 0);
  const mean = (pick: (scores: ClassScores) => number) =>
    scores.reduce((sum, one) => sum + weigh(one) * pick(one), 0) / weights;
  return {
    precision: mean(({ precision }) => precision),
    recall: mean(({ recall }) => recall),
    f1: mean(({ f1 }) => f1),
    support,
  };
}
