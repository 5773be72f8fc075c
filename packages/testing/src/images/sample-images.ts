/** Generated images for tests, with known pixels. */
import type { SourceRecord } from '@headwater/extractors';
import sharp, { type Sharp } from 'sharp';

type Pixel = (x: number, y: number) => readonly number[];

/** An image with computed pixels. */
export function pattern(width: number, height: number, pixel: Pixel): Sharp {
  const rows = Array.from({ length: height }, (_, y) => y);
  const bytes = rows.flatMap((y) => Array.from({ length: width }, (_, x) => pixel(x, y)).flat());
  const channels = pixel(0, 0).length as 1 | 2 | 3 | 4;
  const image = sharp(Uint8Array.from(bytes), { raw: { width, height, channels } });
  return channels === 1 ? image.toColourspace('b-w') : image;
}

/** Three gradients, which every flip and rotation changes. */
export function gradient(width: number, height: number): Sharp {
  return pattern(width, height, (x, y) => [(x * 3) % 256, (y * 5) % 256, (x + y) % 256]);
}

/** A smooth image that survives lossy compression and resizing. */
export function smooth(width: number, height: number): Sharp {
  return pattern(width, height, (x, y) => [
    Math.round(255 * (x / (width - 1))),
    Math.round(255 * (y / (height - 1))),
    Math.round(128 + 100 * Math.sin((6 * x) / width) * Math.cos((4 * y) / height)),
  ]);
}

/** A 28 × 28 gray image, like in MNIST. */
export function grayDigit(seed = 0): Sharp {
  return pattern(28, 28, (x, y) => [(x * (9 + seed) + y * 3) % 256]);
}

/** A source record with only an image. */
export function recordOf(image: Uint8Array): SourceRecord {
  return { image, attributes: {} };
}
