/** The codecs of all topics that the run writes or reads, opened once. */
import type { Names } from '@headwater/log';
import {
  type Codec,
  type HeadTrained,
  type ImageClassified,
  type ImageReceived,
  type LabelAssigned,
  openCodec,
  openVectorReader,
  type SchemaIds,
} from '@headwater/schemas';
import type { AuditDecoders } from '../audit/audit.ts';

export interface RunCodecs {
  readonly images: Codec<ImageReceived>;
  readonly labels: Codec<LabelAssigned>;
  readonly predictions: Codec<ImageClassified>;
  readonly heads: Codec<HeadTrained>;
  readonly audit: AuditDecoders;
}

/** Errors: schema-registry-unavailable, schema-incompatible. */
export async function openCodecs(ids: SchemaIds, { topics }: Names): Promise<RunCodecs> {
  const labels = await openCodec(ids, 'LabelAssigned', topics.labels);
  const predictions = await openCodec(ids, 'ImageClassified', topics.predictions);
  const examples = await openCodec(ids, 'Example', topics.examples);
  const vectors = openVectorReader(ids);
  return {
    images: await openCodec(ids, 'ImageReceived', topics.images),
    labels,
    predictions,
    heads: await openCodec(ids, 'HeadTrained', topics.heads),
    audit: {
      label: (bytes) => labels.decode(bytes),
      vector: (bytes) => vectors.decode(bytes),
      example: (bytes) => examples.decode(bytes),
      prediction: (bytes) => predictions.decode(bytes),
    },
  };
}
