/**
 * Checks the texts of images and labels, for HTTP, CSV, JSON Lines and folders alike. The rules are those of
 * @headwater/schemas, which the join applies too. Patterns are strings for the OpenAPI document.
 */
import { HeadwaterError } from '@headwater/errors';
import { imageIdProblem, readLabel, readTask } from '@headwater/schemas';

export const attributeNamePattern = '^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$';
export const attributeValuePattern = '^[^\\p{Cs}\\u0000]{0,1024}$';
const maxAttributes = 32;

type Check = (value: unknown) => string;

/** The image id, unchanged. Errors: request-invalid. */
export const checkImageId: Check = (value) => {
  const problem = imageIdProblem(value);
  if (problem === undefined) return value as string;
  throw new HeadwaterError('request-invalid', problem, { context: { field: 'image id' } });
};
/** Each returns the normalized text. Errors: request-invalid. */
export const checkTask: Check = readTask;
export const checkLabel: Check = (value) => readLabel(value);
export const checkAnnotator: Check = (value) => readLabel(value, 'annotator');
export const checkSource: Check = (value) => readLabel(value, 'source');
export const checkGroup: Check = (value) => readLabel(value, 'group');

/** Errors: request-invalid, also for more than 32 attributes. */
export function checkAttributes(entries: readonly (readonly [string, unknown])[]): Record<string, string> {
  if (entries.length > maxAttributes) {
    throw new HeadwaterError('request-invalid', `an image has at most ${maxAttributes} attributes`);
  }
  return Object.fromEntries(
    entries.map(([name, value]) => [
      checkPattern('attribute name', attributeNamePattern, name),
      checkPattern('attribute value', attributeValuePattern, value),
    ]),
  );
}

function checkPattern(noun: string, pattern: string, value: unknown): string {
  if (typeof value === 'string' && new RegExp(pattern, 'u').test(value)) return value;
  const message = `${noun} is too long or has characters that are not allowed`;
  throw new HeadwaterError('request-invalid', message, { context: { field: noun, pattern } });
}
