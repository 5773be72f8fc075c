/** Converts pictures to one size and one colour space, for all methods that need it. */
import { HeadwaterError } from '@headwater/errors';
import { z } from 'zod';
import { decodeRevision } from '../../images/decode-revision.ts';
import { conformPixels, decodeImage } from '../../images/decoder.ts';
import { defaultLimits } from '../../images/limits.ts';
import type { ImageLimits } from '../../options.ts';
import { concurrentDecodes } from '../../processors.ts';
import { Semaphore } from '../../semaphore.ts';
import type { Preprocessing } from '../../table/definition.ts';
import type { Stage, Value, ValueType } from '../api.ts';
import { canonicalJson, sha256 } from '../digest.ts';

const shade = z.union([
  z.literal('black').transform(() => 0),
  z.literal('white').transform(() => 255),
  z.int().min(0).max(255),
]);

export const imageOptions = z.strictObject({
  /** Side of the square, in pixels. */
  size: z.int().min(1).max(4096),
  colour: z.enum(['rgb', 'gray']).default('rgb'),
  /** `contain`: the whole image on `background`; `cover`: its centre. */
  fit: z.enum(['contain', 'cover']).default('cover'),
  background: shade.default(255),
});

type ImageOptions = z.output<typeof imageOptions>;

function preprocessingOf({ size, colour, fit, background }: ImageOptions): Preprocessing {
  return { colour, side: size, fit, resizedSide: size, kernel: 'cubic', background };
}

type Conform = (value: Value, signal?: AbortSignal) => Promise<Uint8Array>;

/**
 * Converts the image of a record, or a decoded picture, to uint8 [size, size, channels]. It decodes few images at once, since
 * each may be as large as the limits allow. Errors: record-unfit, image-unreadable, image-too-large, image-type-unsupported,
 * extractor-failed.
 */
export function openConforming(options: ImageOptions, limits: Partial<ImageLimits> = {}): Conform {
  const preprocessing = preprocessingOf(options);
  const allowed = { ...defaultLimits, ...limits };
  const places = new Semaphore(concurrentDecodes());
  return async (value, signal) => {
    await places.enter(signal);
    try {
      if (value.type === 'record') return await decodeImage(value.record.image, preprocessing, allowed);
      if (value.type === 'pixels') return await conformPixels(value, preprocessing);
    } finally {
      places.leave();
    }
    throw new HeadwaterError('record-unfit', `a value of type ${value.type} has no picture`);
  };
}

interface ImageStageParts {
  readonly method: string;
  readonly gives: ValueType;
  readonly dimensions: number | null;
  readonly options: ImageOptions;
}

/** A step that takes the image of a record, or a decoded picture. */
export function imageStage({ options, ...parts }: ImageStageParts, apply: Stage['apply']): Stage {
  const content = canonicalJson({ method: parts.method, options, decodeRevision });
  const digest = sha256(`headwater-picture-link-2\n${content}`);
  return { ...parts, takes: ['record', 'pixels'], digest, apply };
}
