/** Errors of damaged files, and of valid files whose variant of the format is not supported. */
import { HeadwaterError } from '@headwater/errors';

export function damaged(mediaType: string, what: string): HeadwaterError {
  return new HeadwaterError('image-unreadable', `the ${mediaType} file is damaged: ${what}`, {
    context: { mediaType },
  });
}

/** `what` completes "has", e.g. "32-bit float samples". */
export function unsupported(mediaType: string, what: string, remedy: string): HeadwaterError {
  const message = `the ${mediaType} file has ${what}, which cannot be decoded; ${remedy}`;
  return new HeadwaterError('image-type-unsupported', message, { context: { mediaType } });
}
