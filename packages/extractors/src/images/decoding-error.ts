/** Maps a native decoder's error to a HeadwaterError that keeps the decoder's reason, so that a dead letter explains itself. */
import { HeadwaterError } from '@headwater/errors';

/** Some small files take minutes; the limits on bytes and pixels do not catch them. */
export const longestDecodeSeconds = 30;

const longestReason = 200;

/** Reasons for valid files of a kind that the decoder does not support. */
const unsupportedReasons =
  /not supported|unsupported (?!image format)|not configured|not implemented|no known route|channel limit|bad labq format/i;

/** The first line only: libvips lists the same reason several times. */
function reasonOf(cause: unknown): string {
  const text = cause instanceof Error ? cause.message : String(cause);
  const [first = ''] = text.trim().split('\n');
  return first.replace(/[^\x20-\x7e]+/g, ' ').slice(0, longestReason) || 'the decoder gave no reason';
}

export function decodingError(cause: unknown, mediaType: string): HeadwaterError {
  if (cause instanceof HeadwaterError) return cause;
  const options = { cause, context: { mediaType } };
  // The reason of libvips, which may be one of several.
  if (cause instanceof Error && /^timeout: \d+% complete/m.test(cause.message)) {
    const message = `the image was not decoded within ${longestDecodeSeconds} s`;
    return new HeadwaterError('extractor-failed', message, options);
  }
  const reason = reasonOf(cause);
  if (/exceeds pixel limit/.test(reason)) {
    const message = 'the image has more pixels than the limit allows';
    return new HeadwaterError('image-too-large', message, options);
  }
  if (unsupportedReasons.test(reason)) {
    const message = `the ${mediaType} file is of a kind that cannot be decoded: ${reason}; save it in another form`;
    return new HeadwaterError('image-type-unsupported', message, options);
  }
  const message = `the ${mediaType} file is damaged or cut short: ${reason}`;
  return new HeadwaterError('image-unreadable', message, options);
}
