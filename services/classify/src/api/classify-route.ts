/** Classifies one vector or image with the serving head. Nothing is written to the log. */
import { HeadwaterError } from '@headwater/errors';
import { quantize } from '@headwater/heads';
import { disconnectSignal, parseJson } from '@headwater/http';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { ServingHead, ServingHeads } from '../model-registry/serving-heads.ts';
import type { DecisionPolicyOf } from '../predict/decision-policy.ts';
import { classify } from '../predict/predictor.ts';
import type { LazyExtractors } from './lazy-extractors.ts';
import { answerSchema } from './response-schemas.ts';
import { problemResponses, taskParameters } from './route-schemas.ts';
import type { TaskViews } from './task-views.ts';

export interface ClassifyRouteOptions {
  readonly views: TaskViews;
  readonly serving: ServingHeads;
  readonly extractors: LazyExtractors;
  readonly maxImageBytes: number;
  readonly rules: DecisionPolicyOf;
}

interface ClassifyRoute {
  readonly Params: { readonly task: string };
  /** `attribute.<name>`, as in ingest. */
  readonly Querystring: Readonly<Record<string, string>>;
  readonly Body: Buffer | { readonly vector: readonly number[] | string } | null | undefined;
}

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The OpenAPI description of a body that several parsers accept. */
    readonly requestBody?: object;
  }
}

const vectorBody = {
  type: 'object',
  required: ['vector'],
  properties: {
    vector: {
      description: 'A vector of the head’s extractor: numbers, or base64 of little-endian float32.',
      anyOf: [
        { type: 'array', items: { type: 'number' } },
        { type: 'string', contentEncoding: 'base64' },
      ],
    },
  },
};

/** A vector of 16,384 numbers in JSON, in bytes. */
export const longestJson = 512 * 1024;

const attribute = 'attribute.';

/** Attributes of the image, for extractors that use them. */
const attributeParameters = {
  type: 'object',
  maxProperties: 32,
  // Without properties, the OpenAPI document lists the keywords of this schema as parameters.
  properties: {},
  patternProperties: {
    '^attribute\\..{1,256}$': {
      type: 'string',
      maxLength: 65_536,
      description: 'An attribute of the image.',
    },
  },
  additionalProperties: false,
} as const;

function attributesOf(query: ClassifyRoute['Querystring']): Record<string, string> {
  const named = Object.entries(query).filter(([name]) => name.startsWith(attribute));
  return Object.fromEntries(named.map(([name, value]) => [name.slice(attribute.length), value]));
}

export function registerClassify(app: FastifyInstance, options: ClassifyRouteOptions): void {
  const summary = 'Classify a vector (JSON) or an image (its bytes)';
  const response = { 200: answerSchema, ...problemResponses };
  const description = `The bytes decide which it is; the Content-Type is ignored. An image may have up to ${attributeParameters.maxProperties} attributes, given as parameters \`attribute.<name>\`.`;
  const schema = {
    summary,
    description,
    tags: ['tasks'],
    params: taskParameters,
    querystring: attributeParameters,
    response,
  };
  const config = { requestBody: vectorBody };
  app.register(async (scope) => {
    scope.removeAllContentTypeParsers();
    const parseAs = { parseAs: 'buffer', bodyLimit: options.maxImageBytes } as const;
    scope.addContentTypeParser('*', parseAs, async (request: FastifyRequest, body: Buffer) =>
      readBody(request, body),
    );
    scope.post<ClassifyRoute>('/v1/tasks/:task/classify', { schema, config }, async (request, reply) => {
      const { params, body, query } = request;
      const head = requireHead(options, params.task);
      const numbers = quantize(
        await vectorOf(body, attributesOf(query), head, options, disconnectSignal(reply)),
      );
      return answer(head, numbers, options.rules);
    });
  });
}

/** An optional byte order mark and white space, then an object: no image format begins like this. */
const jsonObject = /^(\xef\xbb\xbf)?\s*\{/;

/** Parses JSON; returns any other body as the bytes of an image. Errors: request-invalid. */
async function readBody(request: FastifyRequest, body: Buffer): Promise<unknown> {
  const { 'content-type': type = '' } = request.headers;
  if (/^multipart\//i.test(type)) {
    throw new HeadwaterError(
      'request-invalid',
      'the body is a form; send the bytes of the image alone (curl --data-binary)',
    );
  }
  if (!jsonObject.test(body.toString('latin1', 0, 1_024))) return body;
  if (body.length > longestJson)
    throw new HeadwaterError('record-too-large', `the JSON body is longer than ${longestJson} bytes`);
  return parseJson(request, body);
}

/** Errors: not-found, head-not-ready. */
export function requireHead(
  { views, serving }: Pick<ClassifyRouteOptions, 'views' | 'serving'>,
  task: string,
): ServingHead {
  const head = serving.get(task);
  if (head !== undefined) return head;
  views.servingHead(task);
  throw new HeadwaterError('head-not-ready', 'the head of the task is being opened');
}

/** Errors: request-invalid, vector-wrong-dimensions, extractor-unknown, and those of the extractor. */
async function vectorOf(
  body: ClassifyRoute['Body'],
  attributes: Readonly<Record<string, string>>,
  head: ServingHead,
  { extractors }: ClassifyRouteOptions,
  signal: AbortSignal,
): Promise<Float32Array> {
  if (Buffer.isBuffer(body)) {
    return (await extractors.open(head.extractor)).extract({ image: body, attributes }, signal);
  }
  const vector = typeof body?.vector === 'string' ? fromBase64(body.vector) : fromNumbers(body?.vector);
  const { dimensions } = head.classifier;
  if (vector.length === dimensions) return vector;
  throw new HeadwaterError('vector-wrong-dimensions', `the head takes vectors of ${dimensions} numbers`, {
    context: { dimensions, found: vector.length },
  });
}

function fromNumbers(numbers: unknown): Float32Array {
  if (Array.isArray(numbers) && numbers.every((number) => typeof number === 'number')) {
    return Float32Array.from(numbers);
  }
  throw new HeadwaterError(
    'request-invalid',
    'send an image, or JSON {"vector": numbers or base64 of float32}',
  );
}

function fromBase64(text: string): Float32Array {
  const bytes = Uint8Array.from(Buffer.from(text, 'base64'));
  if (bytes.length % 4 === 0) return new Float32Array(bytes.buffer);
  throw new HeadwaterError('request-invalid', 'the vector is not base64 of float32 numbers');
}

function answer(head: ServingHead, numbers: Int16Array, rules: DecisionPolicyOf) {
  const { task, extractor } = head;
  const now = Date.now();
  const vector = { imageId: '', extractor, numbers, receivedAt: now };
  const answered = classify(vector, task, head, now, rules(task));
  const { label, abstained, probabilities, novelty, head: identity } = answered;
  return { task, extractor, label, abstained, probabilities, novelty, head: identity, predictedAt: now };
}
