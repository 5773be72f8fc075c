/** The input of every measurement: one prediction and its true label. */
export interface PredictionOutcome {
  readonly imageId: string;
  /** The true label, which may be unknown to the head. */
  readonly label: string;
  /** Classes of the head. */
  readonly classes: readonly string[];
  /** In the order of `classes`. */
  readonly probabilities: Float64Array;
}

/**
 * Lower probabilities are clipped to this one, as in scikit-learn's `log_loss`, so that a single mistake cannot make a mean
 * infinite.
 */
const leastProbability = Number.EPSILON;

/** Index of the largest probability; ties go to the first. −1 where there are none. */
export function indexOfPredicted(probabilities: Float64Array): number {
  let best = probabilities.length === 0 ? -1 : 0;
  for (let k = 1; k < probabilities.length; k++) {
    if ((probabilities[k] ?? 0) > (probabilities[best] ?? 0)) best = k;
  }
  return best;
}

/** The predicted probability of the true label; 0 where the head does not have that class. */
export function probabilityOfLabel({ label, classes, probabilities }: PredictionOutcome): number {
  const index = classes.indexOf(label);
  return index < 0 ? 0 : (probabilities[index] ?? 0);
}

/** −ln p(label), in nats. */
export function logLossOf(probability: number): number {
  return -Math.log(Math.max(probability, leastProbability));
}

/** Σ_k (p_k − [k is the label])², in [0, 2] (Brier 1950); a class unknown to the head has p = 0. */
export function brierScoreOf(outcome: PredictionOutcome): number {
  let squares = 0;
  for (const probability of outcome.probabilities) squares += probability * probability;
  return squares + 1 - 2 * probabilityOfLabel(outcome);
}
