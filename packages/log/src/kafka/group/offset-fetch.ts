/**
 * Kafka's OffsetFetch in version 7 (Kafka 2.5), of which kafkajs has none past 4: the first that can be told to
 * answer with an error, not with the offset before, while a transaction that would move an offset is not over.
 */
import { createErrorFromCode, Decoder, Encoder, type ProtocolRequest } from '../client/kafkajs.ts';

export const offsetFetchKey = 9;
export const offsetFetchVersion = 7;

export interface OffsetFetchQuery {
  readonly group: string;
  readonly topic: string;
  readonly partitions: readonly number[];
  /** UNSTABLE_OFFSET_COMMIT while a transaction holds an offset for one of these partitions. */
  readonly stable: boolean;
}

/** Committed offsets by partition index; −1 is none. A partition that was not told is missing. */
export type OffsetFetchResult = ReadonlyMap<number, bigint>;

interface Decoded {
  readonly offsets: Map<number, bigint>;
  readonly errorCodes: readonly number[];
}

export function offsetFetch(question: OffsetFetchQuery): ProtocolRequest<OffsetFetchResult> {
  return {
    request: {
      apiKey: offsetFetchKey,
      apiVersion: offsetFetchVersion,
      apiName: 'OffsetFetch',
      encode: async () => encode(question),
    },
    response: {
      decode: async (bytes) => decode(bytes, question.topic),
      parse: async (decoded) => refuseErrors(decoded as Decoded),
    },
    // That an offset is not stable yet is nothing to log.
    logResponseError: false,
  };
}

/** A zero stands where tagged fields might: at the end of the header, of each topic, and of the whole. */
function encode({ group, topic, partitions, stable }: OffsetFetchQuery): Encoder {
  const asked = new Encoder()
    .writeUVarIntString(topic)
    .writeUVarIntArray(partitions.map((partition) => new Encoder().writeInt32(partition)))
    .writeUVarInt(0);
  return new Encoder()
    .writeUVarInt(0)
    .writeUVarIntString(group)
    .writeUVarIntArray([asked])
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
    const told = decoder.readUVarIntString();
    decoder.readUVarIntArray(() => {
      const partition = decoder.readInt32();
      const offset = decoder.readInt64();
      decoder.readInt32();
      decoder.readUVarIntString();
      errorCodes.push(decoder.readInt16());
      decoder.readTaggedFields();
      if (told === topic) offsets.set(partition, BigInt(String(offset)));
    });
    decoder.readTaggedFields();
  });
  errorCodes.unshift(decoder.readInt16());
  return { offsets, errorCodes };
}

function refuseErrors({ offsets, errorCodes }: Decoded): OffsetFetchResult {
  const failure = errorCodes.find((code) => code !== 0);
  if (failure !== undefined) throw createErrorFromCode(failure);
  return offsets;
}
