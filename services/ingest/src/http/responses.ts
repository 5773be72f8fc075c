/** The responses about an image, and their JSON schemas for serialization and the OpenAPI document. */
import type { ImageClassified } from '@headwater/schemas';
import type { AcceptedImage } from '../intake/intake.ts';
import type { TrackedImage } from '../tracking/tracked-image.ts';

const time = { type: 'integer', description: 'Milliseconds since the epoch.' } as const;
const count = { type: 'integer', minimum: 0 } as const;

export const predictionSchema = {
  type: 'object',
  required: ['task', 'extractor', 'head', 'label', 'abstained', 'probabilities', 'novelty', 'predictedAt'],
  properties: {
    task: { type: 'string' },
    extractor: { type: 'string' },
    head: {
      type: ['object', 'null'],
      description: 'The head of the prediction; null while none serves the task.',
      properties: { kind: { type: 'string' }, version: count, digest: { type: 'string' } },
    },
    label: { type: ['string', 'null'] },
    abstained: { type: 'boolean', description: 'The confidence is below the threshold of the head.' },
    probabilities: { type: 'object', additionalProperties: { type: 'number' } },
    novelty: { type: ['number', 'null'] },
    predictedAt: time,
  },
} as const;

const acceptedProperties = {
  id: { type: 'string' },
  status: { type: 'string', enum: ['accepted', 'classified', 'dead-lettered', 'erased'] },
  receivedAt: { ...time, description: 'Milliseconds since the epoch; may be left out after an erasure.' },
  mediaType: { type: 'string' },
  width: { ...count, description: 'Pixels as stored in the file, before EXIF orientation.' },
  height: count,
  byteLength: count,
} as const;

export const imageSchema = {
  type: 'object',
  required: ['id', 'status'],
  properties: {
    ...acceptedProperties,
    predictions: { type: 'array', items: predictionSchema },
    deadLetter: {
      type: 'object',
      properties: {
        topic: { type: 'string' },
        stage: { type: 'string' },
        code: { type: 'string' },
        reason: { type: 'string' },
      },
    },
  },
} as const;

/** The response to a question about an image. */
export const statusSchema = {
  ...imageSchema,
  properties: {
    ...imageSchema.properties,
    asOf: { ...time, description: 'Time of the answer, in milliseconds since the epoch.' },
    partial: {
      type: 'boolean',
      description: 'True where the process of classify that owns the image does not answer.',
    },
    missing: { type: 'array', items: count, description: 'The partitions that are missing.' },
  },
} as const;

/** The response to a POST: one image, or, for a form with several files, a list. */
export const submittedSchema = {
  type: 'object',
  properties: {
    ...imageSchema.properties,
    images: {
      type: 'array',
      description: 'For forms with several files; a dead letter is an entry with its `problem`.',
      items: { type: 'object', additionalProperties: true },
    },
  },
} as const;

export const problemSchema = {
  type: 'object',
  description: 'A problem document (RFC 9457).',
  required: ['type', 'title', 'status', 'detail', 'instance', 'code'],
  properties: {
    type: { type: 'string' },
    title: { type: 'string' },
    status: { type: 'integer' },
    detail: { type: 'string' },
    instance: { type: 'string' },
    code: { type: 'string' },
  },
  additionalProperties: true,
} as const;

export type ImageResponse = Readonly<Record<string, unknown>>;

export function acceptedResponse({ blob: _blob, ...image }: AcceptedImage): ImageResponse {
  return { ...image, status: 'accepted' };
}

export function predictionResponse(prediction: ImageClassified): object {
  const { task, extractor, head, label, abstained, probabilities, novelty, predictedAt } = prediction;
  return { task, extractor, head, label, abstained, probabilities, novelty, predictedAt };
}

export function classifiedResponse(
  image: AcceptedImage,
  predictions: readonly ImageClassified[],
): ImageResponse {
  return {
    ...acceptedResponse(image),
    status: 'classified',
    predictions: predictions.map(predictionResponse),
  };
}

export function trackedResponse({ id, receivedAt, status, ...image }: TrackedImage): ImageResponse {
  if (receivedAt === 0) return { id, status };
  const { topic, stage, code, reason } = image.deadLetter ?? {};
  return {
    ...(image.accepted && acceptedResponse(image.accepted)),
    id,
    status,
    receivedAt,
    ...(image.predictions.length > 0 && { predictions: image.predictions.map(predictionResponse) }),
    ...(image.deadLetter && { deadLetter: { topic, stage, code, reason } }),
  };
}

export const imagePath = (id: string): string => `/v1/images/${encodeURIComponent(id)}`;
