/** Limits on images, checked on the bytes and the header before any pixel is decoded. */
import { HeadwaterError } from '@headwater/errors';
import type { ImageLimits } from '../options.ts';

/** 20 MiB encoded, 50 million pixels. */
export const defaultLimits: ImageLimits = { maxBytes: 20 * 1024 * 1024, maxPixels: 50_000_000 };

/** Errors: image-unreadable (no bytes at all), image-too-large. */
export function checkBytes(image: Uint8Array, limits: ImageLimits): void {
  if (image.byteLength === 0)
    throw new HeadwaterError('image-unreadable', 'the image is empty: it has no bytes');
  if (image.byteLength <= limits.maxBytes) return;
  throw new HeadwaterError('image-too-large', 'the image has more bytes than the limit allows', {
    context: { bytes: image.byteLength, maxBytes: limits.maxBytes },
  });
}

/** Errors: image-too-large. */
export function checkPixels(width: number, height: number, limits: ImageLimits): void {
  if (width * height <= limits.maxPixels) return;
  throw new HeadwaterError('image-too-large', 'the image has more pixels than the limit allows', {
    context: { width, height, maxPixels: limits.maxPixels },
  });
}
