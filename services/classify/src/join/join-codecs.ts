/** Codecs of the topics that the join reads and writes, shared by its partitions. */
import type { Names } from '@headwater/log';
import {
  type Codec,
  type Example,
  type ImageClassified,
  type LabelAssigned,
  openCodec,
  openVectorReader,
  type SchemaIds,
  type VectorReader,
} from '@headwater/schemas';

export interface JoinCodecs {
  readonly labels: Codec<LabelAssigned>;
  readonly vectors: VectorReader;
  readonly examples: Codec<Example>;
  readonly predictions: Codec<ImageClassified>;
}

/** Errors: schema-incompatible, schema-registry-unavailable. */
export async function openJoinCodecs(ids: SchemaIds, { topics }: Names): Promise<JoinCodecs> {
  const [labels, examples, predictions] = await Promise.all([
    openCodec(ids, 'LabelAssigned', topics.labels),
    openCodec(ids, 'Example', topics.examples),
    openCodec(ids, 'ImageClassified', topics.predictions),
  ]);
  return { labels, examples, predictions, vectors: openVectorReader(ids) };
}
