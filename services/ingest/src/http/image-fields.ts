/**
 * The fields of an image besides its bytes, as query parameters or fields of a form. A field of a form overrides the
 * parameter of the same name. Attributes are named `attribute.<name>`.
 */
import { HeadwaterError } from '@headwater/errors';
import { imageIdRule, imageIdSchema, labelRule, labelSchema, taskRule, taskSchema } from '@headwater/schemas';
import {
  attributeNamePattern,
  attributeValuePattern,
  checkAttributes,
  checkGroup,
  checkImageId,
  checkLabel,
  checkSource,
  checkTask,
} from '../intake/identifiers.ts';
import type { ImageInput } from '../intake/intake.ts';

export type ImageFields = Readonly<Record<string, unknown>>;

const text = (description: string) => ({ ...labelSchema, description: `${description} ${labelRule}` });
const attribute = 'attribute.';

/** JSON schemas of the fields, for validation and for the OpenAPI document. */
export const imageFieldSchemas = {
  id: {
    ...imageIdSchema,
    description: `The id of the image; by default the SHA-256 of its bytes in hex. ${imageIdRule}`,
  },
  task: { ...taskSchema, description: `The task that \`label\` belongs to. ${taskRule}` },
  label: text('The label of the image, where it is known.'),
  source: text('The source of the image; `http` by default.'),
  group: text('Group of near-duplicates: one scene, one patient.'),
} as const;

export const attributeSchemas = {
  [`^attribute\\.${attributeNamePattern.slice(1)}`]: { type: 'string', pattern: attributeValuePattern },
} as const;

const defaultSource = 'http';

const optional = <T>(value: unknown, check: (value: unknown) => T): T | undefined =>
  value === undefined ? undefined : check(value);

/** Rejects unknown fields, since a misspelt one would be ignored. Errors: request-invalid. */
export function checkFieldNames(fields: ImageFields): void {
  const unknown = Object.keys(fields).filter(
    (name) => !Object.hasOwn(imageFieldSchemas, name) && !name.startsWith(attribute),
  );
  if (unknown.length === 0) return;
  const known = Object.keys(imageFieldSchemas).join(', ');
  throw new HeadwaterError(
    'request-invalid',
    `a form has the fields ${known} and ${attribute}<name>, and no others`,
  );
}

/** Errors: request-invalid. */
export function readImageFields(fields: ImageFields): Omit<ImageInput, 'bytes'> {
  const attributes = Object.entries(fields)
    .filter(([name]) => name.startsWith(attribute))
    .map(([name, value]) => [name.slice(attribute.length), value] as const);
  return {
    id: optional(fields.id, checkImageId),
    source: optional(fields.source, checkSource) ?? defaultSource,
    group: optional(fields.group, checkGroup),
    attributes: checkAttributes(attributes),
    labels: readLabels(fields),
  };
}

/** A task without a label selects the prediction to wait for; it needs `wait`. */
function readLabels({ task, label, wait }: ImageFields): Record<string, string> {
  if (label !== undefined) return { [checkTask(task)]: checkLabel(label) };
  if (task !== undefined && wait === undefined) {
    throw new HeadwaterError('request-invalid', 'a task needs a label, or wait=prediction');
  }
  return {};
}
