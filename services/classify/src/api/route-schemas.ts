/** JSON Schemas that several routes share; they check requests and fill the OpenAPI document. */
import { HeadwaterError } from '@headwater/errors';
import { imageIdParameter, imageIdProblem } from '@headwater/schemas';

const task = {
  type: 'string',
  minLength: 1,
  maxLength: 255,
  description: 'Name of the task, such as digit.',
};

export const taskParameters = { type: 'object', required: ['task'], properties: { task } } as const;

export const headParameters = {
  type: 'object',
  required: ['task', 'version'],
  properties: { task, version: { type: 'integer', minimum: 1, description: 'Version of the head.' } },
} as const;

export const seriesQuery = {
  type: 'object',
  additionalProperties: false,
  properties: {
    extractor: {
      type: 'string',
      description: 'Extractor of the head; required where several heads have this version.',
    },
    kind: {
      type: 'string',
      description: 'Kind of the head; required where several heads have this version.',
    },
  },
} as const;

export function limitQuery(fallback: number, maximum: number) {
  return {
    type: 'object',
    additionalProperties: false,
    properties: {
      limit: {
        type: 'integer',
        minimum: 1,
        maximum,
        default: fallback,
        description: 'Maximum number of entries.',
      },
    },
  } as const;
}

const problem = {
  description: 'Problem details (RFC 9457).',
  type: 'object',
  additionalProperties: true,
  required: ['type', 'title', 'status', 'detail', 'instance', 'code'],
  properties: {
    type: { type: 'string' },
    title: { type: 'string' },
    status: { type: 'integer' },
    detail: { type: 'string' },
    instance: { type: 'string' },
    code: { type: 'string' },
  },
} as const;

export const problemResponses = { '4xx': problem, 503: problem } as const;

/** Checks the bytes and characters of an image id, which a JSON Schema cannot. Errors: request-invalid. */
export function checkImageId(imageId: string): string {
  const fault = imageIdProblem(imageId);
  if (fault === undefined) return imageId;
  throw new HeadwaterError('request-invalid', fault, { context: { field: 'image id' } });
}

/** Parameters of a path, by name. */
export function imageParameters(...names: readonly ('task' | 'imageId')[]) {
  const all = { task, imageId: imageIdParameter };
  const properties = Object.fromEntries(names.map((name) => [name, all[name]]));
  return { type: 'object', required: names, properties } as const;
}
