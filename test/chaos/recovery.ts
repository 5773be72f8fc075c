/** Measures recovery by the time at which a reader of committed records sees each image's prediction. */
import type { Follower, Log, Names } from '@headwater/log';
import { createFingerprintIds, openCodec } from '@headwater/schemas';

export interface Predictions {
  /** Ids of images with a prediction. */
  readonly count: number;
  /** Monotonic milliseconds; undefined where there is none yet. */
  firstAt(imageId: string): number | undefined;
  close(): Promise<void>;
}

/** The topics must exist. */
export async function followPredictions(log: Log, names: Names): Promise<Predictions> {
  const codec = await openCodec(createFingerprintIds(), 'ImageClassified', names.topics.predictions);
  const seen = new Map<string, number>();
  const follower: Follower = await log.follow({
    topics: [names.topics.predictions],
    from: 'beginning',
    async onRecords(records) {
      for (const { value } of records) {
        if (value === null) continue;
        const { imageId } = await codec.decode(value);
        if (!seen.has(imageId)) seen.set(imageId, performance.now());
      }
    },
  });
  return {
    get count() {
      return seen.size;
    },
    firstAt: (imageId) => seen.get(imageId),
    close: () => follower.close(),
  };
}

/**
 * Seconds from a fault until every image sent before or during it had its prediction; 0 where all had theirs before
 * the fault.
 */
export function secondsToRecover(
  struckAt: number,
  imageIds: Iterable<string>,
  predictions: Predictions,
): number {
  let last = struckAt;
  for (const imageId of imageIds) last = Math.max(last, predictions.firstAt(imageId) ?? Infinity);
  return (last - struckAt) / 1_000;
}
