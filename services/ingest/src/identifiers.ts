/**
 * What ids, tasks, labels and other short texts may look like, for HTTP, CSV, JSON Lines and folders alike. The
 * patterns are kept as strings because the JSON schemas of the routes (and so the OpenAPI document) show them too.
 */
import { HeadwaterError } from '@headwater/errors';
import { imageIdFault } from '@headwater/schemas';

/** Task names become parts of keys, metrics and URLs. */
export const taskPattern = '^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$';
/** Labels, annotators, sources, groups: one line of 1 to 200 characters, no white space at its ends. */
export const textPattern = '^(?!\\s)[^\\p{Cc}\\p{Cs}\\u2028\\u2029]{1,200}(?<!\\s)$';
export const attributeNamePattern = '^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$';
export const attributeValuePattern = '^[^\\p{Cs}\\u0000]{0,1024}$';
export const maxAttributes = 32;

type Check = (value: unknown) => string;

function checkOf(noun: string, pattern: string): Check {
  const expression = new RegExp(pattern, 'u');
  return (value) => {
    if (typeof value === 'string' && expression.test(value)) return value;
    throw new HeadwaterError('request-invalid', whatIsWrong(noun, value), {
      context: { field: noun, pattern },
    });
  };
}

function whatIsWrong(noun: string, value: unknown): string {
  if (value === undefined || value === '') return `${noun} is missing`;
  if (typeof value !== 'string') return `${noun} must be a text in quotation marks, not a ${kindOf(value)}`;
  return `${noun} is too long or has characters that are not allowed`;
}

function kindOf(value: unknown): string {
  return value === null ? 'null' : Array.isArray(value) ? 'list' : typeof value;
}

/** Each returns its argument, or throws request-invalid. */
export const checkImageId: Check = (value) => {
  const fault = typeof value === 'string' ? imageIdFault(value) : whatIsWrong('image id', value);
  if (fault === undefined) return value as string;
  throw new HeadwaterError('request-invalid', fault, { context: { field: 'image id' } });
};
export const checkTask = checkOf('task', taskPattern);
export const checkLabel = checkOf('label', textPattern);
export const checkAnnotator = checkOf('annotator', textPattern);
export const checkSource = checkOf('source', textPattern);
export const checkGroup = checkOf('group', textPattern);
const checkAttributeName = checkOf('attribute name', attributeNamePattern);
const checkAttributeValue = checkOf('attribute value', attributeValuePattern);

/** Errors: request-invalid, also for more than 32 attributes. */
export function checkAttributes(entries: readonly (readonly [string, unknown])[]): Record<string, string> {
  if (entries.length > maxAttributes) {
    throw new HeadwaterError('request-invalid', `an image has at most ${maxAttributes} attributes`);
  }
  return Object.fromEntries(
    entries.map(([name, value]) => [checkAttributeName(name), checkAttributeValue(value)]),
  );
}
