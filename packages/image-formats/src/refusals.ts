/** One wording for files that start like an image and are damaged, or whole and of a kind that no decoder here reads. */
import { HeadwaterError } from '@headwater/errors';

export function damaged(mediaType: string, what: string): HeadwaterError {
  return new HeadwaterError('image-unreadable', `the ${mediaType} file is damaged: ${what}`, {
    context: { mediaType },
  });
}

/** `what` follows "has": "32-bit float samples". */
export function unsupported(mediaType: string, what: string, remedy: string): HeadwaterError {
  const message = `the ${mediaType} file has ${what}, which cannot be decoded; ${remedy}`;
  return new HeadwaterError('image-type-unsupported', message, { context: { mediaType } });
}
