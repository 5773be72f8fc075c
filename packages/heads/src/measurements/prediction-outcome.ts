/** What every measurement is made of: one prediction beside the label that turned out to be true. */

export interface PredictionOutcome {
  readonly imageId: string;
  /** The true label; it may be one that the head does not know. */
  readonly label: string;
  /** Classes of the head. */
  readonly classes: readonly string[];
  /** In the order of `classes`. */
  readonly probabilities: Float64Array;
}

/** Probabilities below this count as this, as in scikit-learn's `log_loss`: one surprise must not make a mean infinite. */
export const leastProbability = Number.EPSILON;

/** Index of the largest probability; ties go to the first. −1 where there are none. */
export function indexOfPredicted(probabilities: Float64Array): number {
  let best = probabilities.length === 0 ? -1 : 0;
  for (let k = 1; k < probabilities.length; k++) {
    if ((probabilities[k] ?? 0) > (probabilities[best] ?? 0)) best = k;
  }
  return best;
}

/** What the head gave to the true label; 0 where it does not know that class. */
export function probabilityOfLabel({ label, classes, probabilities }: PredictionOutcome): number {
  const index = classes.indexOf(label);
  return index < 0 ? 0 : (probabilities[index] ?? 0);
}

/** −ln p(label), in nats. */
export function logLossOf(probability: number): number {
  return -Math.log(Math.max(probability, leastProbability));
}

/** Σ_k (p_k − [k is the label])², in [0, 2] (Brier 1950); a class that the head does not know has p = 0. */
export function brierScoreOf(outcome: PredictionOutcome): number {
  let squares = 0;
  for (const probability of outcome.probabilities) squares += probability * probability;
  return squares + 1 - 2 * probabilityOfLabel(outcome);
}
