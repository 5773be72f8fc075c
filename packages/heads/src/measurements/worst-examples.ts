/** The most confident mistakes of a head: the first examples to inspect when its accuracy is low. */
import { compareUtf8 } from '../numerics/utf8-order.ts';
import { BoundedRanking } from './bounded-ranking.ts';
import {
  indexOfPredicted,
  logLossOf,
  type PredictionOutcome,
  probabilityOfLabel,
} from './prediction-outcome.ts';

export interface WorstExample {
  readonly imageId: string;
  readonly label: string;
  readonly predicted: string;
  /** The predicted probability of the true label. */
  readonly probability: number;
  /** −ln of `probability`. */
  readonly logLoss: number;
}

const worstExamplesKept = 50;

/** Misclassified examples with the largest log loss; ties are ordered by image id, so that the order of arrival does not matter. */
export class WorstExamples {
  readonly #ranking: BoundedRanking<WorstExample>;

  constructor(limit = worstExamplesKept) {
    this.#ranking = new BoundedRanking(limit, compareExamples);
  }

  add(outcome: PredictionOutcome): void {
    const { imageId, label, classes, probabilities } = outcome;
    const predicted = classes[indexOfPredicted(probabilities)] ?? '';
    if (predicted === label) return;
    const probability = probabilityOfLabel(outcome);
    this.#ranking.add({ imageId, label, predicted, probability, logLoss: logLossOf(probability) });
  }

  merge(other: WorstExamples): void {
    this.restore(other.list());
  }

  /** Adds the result of `list`. */
  restore(examples: readonly WorstExample[]): void {
    for (const example of examples) this.#ranking.add(example);
  }

  /** Worst first. */
  list(): WorstExample[] {
    return this.#ranking.list();
  }
}

function compareExamples(a: WorstExample, b: WorstExample): number {
  return b.logLoss - a.logLoss || compareUtf8(a.imageId, b.imageId) || compareUtf8(a.label, b.label);
}
