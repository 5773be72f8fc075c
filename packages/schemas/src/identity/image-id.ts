/**
 * What an image id is, for all who take one in: HTTP, records on Kafka, files of labels and of examples. Whoever were laxer than the others
 * would let in images that the others can neither label nor erase.
 */
import { isUtf8 } from 'node:buffer';
import { HeadwaterError } from '@headwater/errors';

/** In bytes of UTF-8. */
export const longestImageId = 1_024;

/** The rule in words, for the descriptions of interfaces. */
export const imageIdRule =
  'Up to 1,024 bytes of UTF-8, of any characters but control characters; not empty, and not `.` or `..`.';

/** JSON Schema, for documents; `imageIdProblem` is what decides, and says why. */
export const imageIdSchema = { type: 'string', minLength: 1, maxLength: longestImageId } as const;
/** In a path: one segment, whatever the id is made of. */
export const imageIdParameter = {
  ...imageIdSchema,
  description: `The id of the image, percent-encoded as one segment (\`/\` as \`%2F\`, \`%\` as \`%25\`), and decoded once. ${imageIdRule}`,
} as const;

/** Half of a surrogate pair has no bytes in UTF-8. */
const notAllowed = /[\p{Cc}\p{Cs}]/u;
/** Clients resolve them before they send a URL, percent-encoded or not: no request could name such an image. */
const pathSteps: readonly unknown[] = ['.', '..'];

/** Why a value is no image id, as a clause; undefined where it is one. */
export function imageIdProblem(value: unknown): string | undefined {
  if (value === undefined || value === '') return 'image id is missing';
  if (typeof value !== 'string') return 'image id must be text';
  if (Buffer.byteLength(value) > longestImageId)
    return `image id is longer than ${longestImageId} bytes of UTF-8`;
  if (notAllowed.test(value)) return 'image id has control characters, or half of a surrogate pair';
  if (pathSteps.includes(value)) return 'image id is a step of a path, which no URL can name';
  return undefined;
}

/** The image id that a record is keyed by. Errors: record-invalid. */
export function imageIdOfKey(key: Buffer | null): string {
  if (key === null || key.length === 0) throw invalid('The record has no key; it must be the image id');
  // Broken bytes would be read as those of another id.
  if (!isUtf8(key)) throw invalid('The key is not an image id: it is not UTF-8');
  const imageId = key.toString('utf8');
  const fault = imageIdProblem(imageId);
  if (fault !== undefined) throw invalid(`The key is not an image id: ${fault}`);
  return imageId;
}

function invalid(message: string): HeadwaterError {
  return new HeadwaterError('record-invalid', message);
}
