/** Whether confidences match accuracy: predictions with confidence 90 % should be right nine times of ten. */
import { HeadwaterError } from '@headwater/errors';

const calibrationBins = 15;

/** The contents of one bin. Bins hold sums, so that those of several workers can be added. */
export interface CalibrationBin {
  readonly count: number;
  readonly correct: number;
  /** Sum of the confidences. */
  readonly confidence: number;
}

/**
 * Expected calibration error (Naeini et al. 2015; Guo et al. 2017): confidences, the largest probability of each prediction, fall into
 * 15 bins of equal width ((b/15, (b+1)/15], and 0 into the first), and ECE = Σ_b n_b/n · |accuracy_b − mean confidence_b|.
 */
export class Calibration {
  readonly #bins = Array.from({ length: calibrationBins }, () => ({ count: 0, correct: 0, confidence: 0 }));

  get bins(): readonly CalibrationBin[] {
    return this.#bins.map((bin) => ({ ...bin }));
  }

  /** `confidence` in [0, 1]. */
  add(confidence: number, correct: boolean): void {
    const index = Math.min(Math.max(Math.ceil(confidence * calibrationBins) - 1, 0), calibrationBins - 1);
    this.#addTo(index, { count: 1, correct: Number(correct), confidence });
  }

  merge(other: Calibration): void {
    for (const [index, bin] of other.bins.entries()) this.#addTo(index, bin);
  }

  /** ECE; null while nothing was counted. */
  error(): number | null {
    let total = 0;
    let error = 0;
    for (const { count, correct, confidence } of this.#bins) {
      total += count;
      error += Math.abs(correct - confidence);
    }
    return total === 0 ? null : error / total;
  }

  /** Errors: statistics-mismatch for a different number of bins. */
  static fromBins(bins: readonly CalibrationBin[]): Calibration {
    if (bins.length !== calibrationBins) {
      throw new HeadwaterError('statistics-mismatch', `calibration state must have ${calibrationBins} bins`);
    }
    const calibration = new Calibration();
    for (const [index, bin] of bins.entries()) calibration.#addTo(index, bin);
    return calibration;
  }

  #addTo(index: number, { count, correct, confidence }: CalibrationBin): void {
    const bin = this.#bins[index];
    if (bin === undefined) return;
    bin.count += count;
    bin.correct += correct;
    bin.confidence += confidence;
  }
}
