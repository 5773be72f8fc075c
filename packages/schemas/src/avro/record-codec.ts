/** Codecs of the records with `.avsc` files. */
import { HeadwaterError } from '@headwater/errors';
import type { Codec, SchemaIds } from '../api.ts';
import type {
  Example,
  HeadActivated,
  HeadTrained,
  ImageClassified,
  ImageReceived,
  LabelAssigned,
} from '../records.ts';
import { type RecordName, recordSchema } from '../schema-files.ts';
import { createCodec, type Mapping } from './codec.ts';
import { bytesOfVector, int16Of } from './vector-bytes.ts';

/** Record types by name. */
export interface Records {
  ImageReceived: ImageReceived;
  LabelAssigned: LabelAssigned;
  Example: Example;
  HeadTrained: HeadTrained;
  HeadActivated: HeadActivated;
  ImageClassified: ImageClassified;
}

/** The mapping of records that need no conversion. */
function identical<T extends object>(): Mapping<T> {
  return { toAvro: (record) => record, fromAvro: (value) => value as T };
}

const exampleMapping: Mapping<Example> = {
  toAvro: (example) => ({ ...example, vector: bytesOfVector(example.vector) }),
  fromAvro: (value) => {
    const { vector, ...rest } = value as Omit<Example, 'vector'> & { readonly vector: Buffer };
    if (vector.length % 2 === 0) return { ...rest, vector: int16Of(vector) };
    throw new HeadwaterError('avro-invalid', 'the vector of an example has an odd number of bytes');
  },
};

const mappings: { readonly [N in RecordName]: Mapping<Records[N]> } = {
  ImageReceived: identical(),
  LabelAssigned: identical(),
  Example: exampleMapping,
  HeadTrained: identical(),
  HeadActivated: identical(),
  ImageClassified: identical(),
};

/**
 * Registers a record's schema under `<topic>-value` and opens its codec.
 * Errors: schema-incompatible, schema-registry-unavailable; `encode` throws avro-invalid for an invalid record.
 */
export function openCodec<N extends RecordName>(
  ids: SchemaIds,
  name: N,
  topic: string,
): Promise<Codec<Records[N]>> {
  return createCodec<Records[N]>(ids, topic, recordSchema(name), mappings[name]);
}
