/**
 * The rule for image ids, for all inputs: HTTP, records on Kafka, files of labels and of examples. An input with a
 * laxer rule would accept images that the others can neither label nor erase.
 */
import { isUtf8 } from 'node:buffer';
import { HeadwaterError } from '@headwater/errors';

/** Limit in bytes of UTF-8. */
const longestImageId = 1_024;

/** The rule in words, for interface descriptions. */
export const imageIdRule =
  'Up to 1,024 bytes of UTF-8, of any characters but control characters; not empty, and not `.` or `..`.';

/** JSON Schema for documents; `imageIdProblem` decides and gives the reason. */
export const imageIdSchema = { type: 'string', minLength: 1, maxLength: longestImageId } as const;
/** A path parameter: one segment for any id. */
export const imageIdParameter = {
  ...imageIdSchema,
  description: `The id of the image, percent-encoded as one segment (\`/\` as \`%2F\`, \`%\` as \`%25\`), and decoded once. ${imageIdRule}`,
} as const;

/** Control characters, and halves of surrogate pairs, which have no UTF-8 encoding. */
const notAllowed = /[\p{Cc}\p{Cs}]/u;
/** Clients resolve these segments in a URL, even percent-encoded, so that no request could name such an image. */
const pathSteps: readonly unknown[] = ['.', '..'];

/** Why a value is not an image id, as a clause; undefined for a valid id. */
export function imageIdProblem(value: unknown): string | undefined {
  if (value === undefined || value === '') return 'image id is missing';
  if (typeof value !== 'string') return 'image id must be text';
  if (Buffer.byteLength(value) > longestImageId)
    return `image id is longer than ${longestImageId} bytes of UTF-8`;
  if (notAllowed.test(value)) return 'image id has control characters, or half of a surrogate pair';
  if (pathSteps.includes(value)) return 'image id is a relative path segment, which no URL can name';
  return undefined;
}

/** The image id in a record's key. Errors: record-invalid. */
export function imageIdOfKey(key: Buffer | null): string {
  if (key === null || key.length === 0) throw invalid('the record has no key; it must be the image id');
  // Decoding invalid bytes would give another id.
  if (!isUtf8(key)) throw invalid('the key is not an image id: it is not UTF-8');
  const imageId = key.toString('utf8');
  const problem = imageIdProblem(imageId);
  if (problem !== undefined) throw invalid(`the key is not an image id: ${problem}`);
  return imageId;
}

function invalid(message: string): HeadwaterError {
  return new HeadwaterError('record-invalid', message);
}
