/** Labels of one image: `PUT` assigns or corrects, `DELETE` retracts. */
import { HeadwaterError } from '@headwater/errors';
import {
  imageIdParameter,
  type LabelAssigned,
  labelRule,
  labelSchema,
  taskSchema,
  timeRule,
} from '@headwater/schemas';
import type { FastifyInstance, FastifyReply } from 'fastify';
import type { LabelInput, LabelWriter } from '../labels/label-writer.ts';
import { type Admission, withPermit } from './admission.ts';
import { problemSchema } from './responses.ts';

export interface LabelRouteOptions {
  readonly labelWriter: LabelWriter;
  readonly admission: Admission;
}

interface Params {
  readonly id: string;
  readonly task: string;
}

type Details = Pick<LabelInput, 'assignedAt' | 'annotator'>;

const params = {
  type: 'object',
  required: ['id', 'task'],
  properties: {
    id: imageIdParameter,
    task: taskSchema,
  },
} as const;

const details = {
  assignedAt: {
    type: ['integer', 'string'],
    description: `Time of the assignment, as ISO 8601 with a zone, or: ${timeRule} By default now, and later than any label of the same image and task from this process.`,
  },
  annotator: { ...labelSchema, description: `The annotator; \`api\` by default. ${labelRule}` },
} as const;

const answerSchema = {
  type: 'object',
  required: ['imageId', 'task', 'label', 'assignedAt', 'annotator'],
  properties: {
    imageId: { type: 'string' },
    task: { type: 'string' },
    label: { type: ['string', 'null'], description: 'null retracts.' },
    assignedAt: { type: 'integer' },
    annotator: { type: 'string' },
  },
} as const;

const response = {
  202: { description: 'The label is in the log.', ...answerSchema },
  '4xx': problemSchema,
  503: problemSchema,
} as const;

/** For the OpenAPI document; checked by the label writer, since the framework would turn the number 7 into "7". */
const requestBody = {
  required: true,
  content: {
    'application/json': {
      schema: {
        type: 'object',
        required: ['label'],
        additionalProperties: false,
        properties: {
          label: {
            ...labelSchema,
            type: ['string', 'null'],
            description: `The class, or null to retract. ${labelRule}`,
          },
          ...details,
        },
      },
    },
  },
} as const;

type Body = Details & { readonly label: unknown };

/** Errors: request-invalid for anything but an object with these fields. */
function readBody(body: unknown): Body {
  const isObject = typeof body === 'object' && body !== null;
  if (isObject && Object.keys(body).every((name) => name === 'label' || name in details)) return body as Body;
  throw new HeadwaterError(
    'request-invalid',
    'the body must be an object with label, and optionally assignedAt and annotator',
  );
}

const MAX_BODY_BYTES = 16 * 1024;
const url = '/v1/images/:id/labels/:task';

export function registerLabels(app: FastifyInstance, { labelWriter, admission }: LabelRouteOptions): void {
  const assign = async (input: LabelInput, reply: FastifyReply) => {
    const label: LabelAssigned = labelWriter.prepare(input);
    await withPermit(admission, () => labelWriter.send([label]));
    return reply.code(202).send(label);
  };

  app.put<{ Params: Params }>(
    url,
    {
      bodyLimit: MAX_BODY_BYTES,
      schema: { summary: 'Assign or correct a label', tags: ['labels'], params, response },
      config: { requestBody },
    },
    (request, reply) => {
      const { id: imageId, task } = request.params;
      const { label, assignedAt, annotator } = readBody(request.body);
      return assign({ imageId, task, label, assignedAt, annotator }, reply);
    },
  );

  app.delete<{ Params: Params; Querystring: Details }>(
    url,
    {
      schema: {
        summary: 'Retract a label',
        tags: ['labels'],
        params,
        querystring: { type: 'object', additionalProperties: false, properties: details },
        response,
      },
    },
    ({ params: { id, task }, query }, reply) => assign({ imageId: id, task, label: null, ...query }, reply),
  );
}
