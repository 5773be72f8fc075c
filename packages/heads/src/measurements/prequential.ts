/**
 * Test, then train: the newest head predicts each example before a head is trained on it. This gives an unbiased estimate on a
 * stream without a held-out set. The overall mean includes the poor start for ever; a window and a fading mean show the current
 * accuracy.
 */
import { HeadwaterError } from '@headwater/errors';
import {
  indexOfPredicted,
  logLossOf,
  type PredictionOutcome,
  probabilityOfLabel,
} from './prediction-outcome.ts';

export interface PrequentialOptions {
  /** Number of newest examples that `recent` covers, 1 to 100,000; default 500. */
  readonly window?: number;
  /** α in (0, 1], the weight of the past at each step; default 0.998, whose memory is about as long as a window of 500. */
  readonly fading?: number;
}

export interface PrequentialFigures {
  readonly examples: number;
  /** Share of right predictions; null while there are no examples. */
  readonly accuracy: number | null;
  /** Mean −ln p(label), in nats. */
  readonly logLoss: number | null;
}

export interface PrequentialReport {
  readonly total: PrequentialFigures;
  readonly recent: PrequentialFigures;
  /** Fading means S_i/B_i with S_i = x_i + α S_{i−1}, B_i = 1 + α B_{i−1} (Gama, Sebastião and Rodrigues 2013). */
  readonly fading: PrequentialFigures;
}

/** JSON-serializable state. */
export interface PrequentialState {
  readonly version: 1;
  readonly window: number;
  readonly fading: number;
  readonly total: Sums;
  readonly faded: Sums;
  /** Newest last, at most `window`: 1 for right, 0 for wrong, and −ln p(label). */
  readonly recentCorrect: readonly number[];
  readonly recentLogLoss: readonly number[];
}

interface Sums {
  readonly examples: number;
  readonly correct: number;
  readonly logLoss: number;
}

const nothing: Sums = { examples: 0, correct: 0, logLoss: 0 };
const largestWindow = 100_000;

export class Prequential {
  readonly #window: number;
  readonly #fading: number;
  #total: Sums = nothing;
  #faded: Sums = nothing;
  /** Two ring buffers of `window` places; example i is at i modulo `window`. */
  readonly #correct: Uint8Array;
  readonly #logLoss: Float64Array;
  #filled = 0;
  #next = 0;

  /** Errors: config-invalid. */
  constructor({ window = 500, fading = 0.998 }: PrequentialOptions = {}) {
    if (!(Number.isInteger(window) && window >= 1 && window <= largestWindow && fading > 0 && fading <= 1)) {
      throw new HeadwaterError(
        'config-invalid',
        `prequential window must be 1 to ${largestWindow} examples, and fading in (0, 1]`,
      );
    }
    this.#window = window;
    this.#fading = fading;
    this.#correct = new Uint8Array(window);
    this.#logLoss = new Float64Array(window);
  }

  /** Scores a prediction that was made before a head was trained on this example. Returns whether it was right. */
  add(outcome: PredictionOutcome): boolean {
    const { label, classes, probabilities } = outcome;
    const correct = classes[indexOfPredicted(probabilities)] === label;
    this.addScore(correct, logLossOf(probabilityOfLabel(outcome)));
    return correct;
  }

  addScore(correct: boolean, logLoss: number): void {
    const score = { examples: 1, correct: Number(correct), logLoss };
    this.#total = addFaded(this.#total, 1, score);
    this.#faded = addFaded(this.#faded, this.#fading, score);
    this.#correct[this.#next] = score.correct;
    this.#logLoss[this.#next] = logLoss;
    this.#next = (this.#next + 1) % this.#window;
    this.#filled = Math.min(this.#filled + 1, this.#window);
  }

  report(): PrequentialReport {
    const recent = this.#recent().reduce((sums, score) => addFaded(sums, 1, score), nothing);
    return {
      total: figuresOf(this.#total, this.#total.examples),
      recent: figuresOf(recent, recent.examples),
      fading: figuresOf(this.#faded, this.#total.examples),
    };
  }

  state(): PrequentialState {
    const recent = this.#recent();
    return {
      version: 1,
      window: this.#window,
      fading: this.#fading,
      total: this.#total,
      faded: this.#faded,
      recentCorrect: recent.map(({ correct }) => correct),
      recentLogLoss: recent.map(({ logLoss }) => logLoss),
    };
  }

  static fromState(state: PrequentialState): Prequential {
    const prequential = new Prequential(state);
    for (const [index, correct] of state.recentCorrect.entries()) {
      prequential.addScore(correct === 1, state.recentLogLoss[index] ?? 0);
    }
    prequential.#total = state.total;
    prequential.#faded = state.faded;
    return prequential;
  }

  /** Oldest first. */
  #recent(): Sums[] {
    const oldest = this.#next - this.#filled + this.#window;
    return Array.from({ length: this.#filled }, (_, age) => {
      const place = (oldest + age) % this.#window;
      return { examples: 1, correct: this.#correct[place] ?? 0, logLoss: this.#logLoss[place] ?? 0 };
    });
  }
}

function addFaded(sums: Sums, fading: number, score: Sums): Sums {
  return {
    examples: fading * sums.examples + score.examples,
    correct: fading * sums.correct + score.correct,
    logLoss: fading * sums.logLoss + score.logLoss,
  };
}

function figuresOf(sums: Sums, examples: number): PrequentialFigures {
  if (examples === 0) return { examples, accuracy: null, logLoss: null };
  return { examples, accuracy: sums.correct / sums.examples, logLoss: sums.logLoss / sums.examples };
}
