/**
 * Kafka's OffsetFetch in version 7 (Kafka 2.5); kafkajs supports up to 4. Version 7 is the first that can return an
 * error instead of the former offset while a pending transaction would move it.
 */
import { createErrorFromCode, Decoder, Encoder, type ProtocolRequest } from '../client/kafkajs.ts';

export const offsetFetchKey = 9;
export const offsetFetchVersion = 7;

interface OffsetFetchQuery {
  readonly group: string;
  readonly topic: string;
  readonly partitions: readonly number[];
  /** Requires stable offsets: UNSTABLE_OFFSET_COMMIT while a transaction has a pending offset of these partitions. */
  readonly stable: boolean;
}

/** Committed offsets by partition index, for the partitions in the response; −1 means none. */
type OffsetFetchResult = ReadonlyMap<number, bigint>;

interface Decoded {
  readonly offsets: Map<number, bigint>;
  readonly errorCodes: readonly number[];
}

export function offsetFetch(query: OffsetFetchQuery): ProtocolRequest<OffsetFetchResult> {
  return {
    request: {
      apiKey: offsetFetchKey,
      apiVersion: offsetFetchVersion,
      apiName: 'OffsetFetch',
      encode: async () => encode(query),
    },
    response: {
      decode: async (bytes) => decode(bytes, query.topic),
      parse: async (decoded) => throwErrors(decoded as Decoded),
    },
    // An unstable offset is expected, so kafkajs must not log it.
    logResponseError: false,
  };
}

/** Zeros are empty tagged fields: after the header, after each topic and at the end. */
function encode({ group, topic, partitions, stable }: OffsetFetchQuery): Encoder {
  const encodedTopic = new Encoder()
    .writeUVarIntString(topic)
    .writeUVarIntArray(partitions.map((partition) => new Encoder().writeInt32(partition)))
    .writeUVarInt(0);
  return new Encoder()
    .writeUVarInt(0)
    .writeUVarIntString(group)
    .writeUVarIntArray([encodedTopic])
    .writeBoolean(stable)
    .writeUVarInt(0);
}

function decode(bytes: Buffer, topic: string): Decoded {
  const decoder = new Decoder(bytes);
  const offsets = new Map<number, bigint>();
  const errorCodes: number[] = [];
  decoder.readTaggedFields();
  decoder.readInt32();
  decoder.readUVarIntArray(() => {
    const name = decoder.readUVarIntString();
    decoder.readUVarIntArray(() => {
      const partition = decoder.readInt32();
      const offset = decoder.readInt64();
      decoder.readInt32();
      decoder.readUVarIntString();
      errorCodes.push(decoder.readInt16());
      decoder.readTaggedFields();
      if (name === topic) offsets.set(partition, BigInt(String(offset)));
    });
    decoder.readTaggedFields();
  });
  errorCodes.unshift(decoder.readInt16());
  return { offsets, errorCodes };
}

function throwErrors({ offsets, errorCodes }: Decoded): OffsetFetchResult {
  const failure = errorCodes.find((code) => code !== 0);
  if (failure !== undefined) throw createErrorFromCode(failure);
  return offsets;
}
