/** Codecs of extracted vectors: a codec for each extractor, and one reader for all extractors. */
import { HeadwaterError } from '@headwater/errors';
import type { AvroSchema, Codec, SchemaIds, VectorContract } from '../api.ts';
import type { VectorExtracted } from '../records.ts';
import { contractOf, vectorSchema } from '../vector-contract.ts';
import { parseType } from './avro-types.ts';
import { createCodec, createReader, type Decoder, type Mapping, resolvingDecoder } from './codec.ts';
import { bytesOfVector, float32Of } from './vector-bytes.ts';

function mappingFor(contract: VectorContract): Mapping<VectorExtracted> {
  return {
    toAvro: (record) => {
      assertDimensions(contract, record.vector);
      return { ...record, vector: bytesOfVector(record.vector) };
    },
    fromAvro: (value) => {
      const { vector, ...rest } = value as Omit<VectorExtracted, 'vector'> & { readonly vector: Buffer };
      return { ...rest, vector: float32Of(vector) };
    },
  };
}

function assertDimensions(contract: VectorContract, vector: Float32Array): void {
  if (vector instanceof Float32Array && vector.length === contract.dimensions) return;
  throw new HeadwaterError(
    'vector-wrong-dimensions',
    `${contract.extractor} must return ${contract.dimensions} float32 values, but returned ${vector.length}`,
    { context: { extractor: contract.extractor, dimensions: contract.dimensions, length: vector.length } },
  );
}

/**
 * Registers an extractor's schema under `<topic>-value` and opens its codec. Errors: config-invalid, schema-incompatible,
 * schema-registry-unavailable; `encode` throws vector-wrong-dimensions, and avro-invalid for an invalid record.
 */
export function openVectorCodec(
  ids: SchemaIds,
  contract: VectorContract,
  topic: string,
): Promise<Codec<VectorExtracted>> {
  return createCodec(ids, topic, vectorSchema(contract), mappingFor(contract));
}

/** Reads vectors of any extractor; the contract comes from the writer schema. */
export interface VectorReader {
  /** Errors: those of `Codec.decode`. */
  decode(bytes: Uint8Array): VectorExtracted | Promise<VectorExtracted>;
}

export function openVectorReader(ids: SchemaIds): VectorReader {
  return createReader(ids, decoderOfWriter);
}

function decoderOfWriter(writer: AvroSchema): Decoder<VectorExtracted> {
  const contract = contractOfWriter(writer);
  const schema = vectorSchema(contract);
  return resolvingDecoder(schema, parseType(schema), writer, mappingFor(contract));
}

/** A writer schema without a contract makes the record a dead letter. */
function contractOfWriter(writer: AvroSchema): VectorContract {
  try {
    return contractOf(writer);
  } catch (cause) {
    if (!(cause instanceof HeadwaterError)) throw cause;
    throw new HeadwaterError(cause.code, cause.message, { cause, verdict: 'dead-letter' });
  }
}
