/** One wording for files that start like an image and do not go on like one. */
import { HeadwaterError } from '@headwater/errors';

export function damaged(mediaType: string, what: string): HeadwaterError {
  return new HeadwaterError('image-unreadable', `the ${mediaType} file is damaged: ${what}`, {
    context: { mediaType },
  });
}
