/**
 * Prequential scores: each new example is answered by the newest head before that head's successor learns from it.
 * The one honest figure that needs no held-out set, and that rises as labels come in.
 */

/** How many of the newest scores `recent` covers. */
const recentScores = 500;

/** Confidence below this counts as this, so that one surprise does not make the mean infinite. */
const leastProbability = 1e-12;

export interface Prequential {
  readonly examples: number;
  readonly correct: number;
  /** Sum of −ln p(label), natural logarithm. */
  readonly logLoss: number;
  /** 1 for right, 0 for wrong, newest last. */
  readonly recent: readonly number[];
}

export const unscored: Prequential = { examples: 0, correct: 0, logLoss: 0, recent: [] };

/** `probability` is what the head gave to the true label; 0 for a class that it did not know. */
export function scored(scores: Prequential, correct: boolean, probability: number): Prequential {
  return {
    examples: scores.examples + 1,
    correct: scores.correct + Number(correct),
    logLoss: scores.logLoss - Math.log(Math.max(probability, leastProbability)),
    recent: [...scores.recent, Number(correct)].slice(-recentScores),
  };
}

/** As a head's measurements; empty while nothing was scored. */
export function prequentialMeasurements(scores: Prequential): Record<string, number> {
  const { examples, correct, logLoss, recent } = scores;
  if (examples === 0) return {};
  return {
    prequentialExamples: examples,
    prequentialAccuracy: correct / examples,
    prequentialAccuracyRecent: recent.reduce((sum, one) => sum + one, 0) / recent.length,
    prequentialLogLoss: logLoss / examples,
  };
}

export function encodePrequential(scores: Prequential): Buffer {
  return Buffer.from(JSON.stringify(scores));
}

export function decodePrequential(bytes: Buffer | undefined): Prequential {
  return bytes === undefined ? unscored : (JSON.parse(bytes.toString('utf8')) as Prequential);
}
