/** How long images wait for their predictions, from their receipt to the commit. */
import { createEventDelay, delayBuckets, type Metrics } from '@headwater/service-kit';
import type { Handled } from '../partition-join.ts';

export class PredictionDelay {
  readonly #delay;

  constructor(metrics: Metrics) {
    const histogram = metrics.histogram(
      'headwater_image_to_prediction_seconds',
      'Seconds from the receipt of an image to its prediction, one for each task',
      delayBuckets,
    );
    this.#delay = createEventDelay(metrics, 'image', histogram);
  }

  committed(handled: readonly Pick<Handled, 'predictions'>[], now: number): void {
    for (const { predictions } of handled) {
      for (const { receivedAt } of predictions) this.#delay.observe(receivedAt, now);
    }
  }
}
