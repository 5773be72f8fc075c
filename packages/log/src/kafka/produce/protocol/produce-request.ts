/**
 * Kafka's Produce in version 7, with a result for each partition. kafkajs' own throws the first error and loses the
 * acknowledgements of the other partitions.
 */
import { Decoder, type ProtocolRequest } from '../../client/kafkajs.ts';
import { createByteWriter } from './byte-writer.ts';
import { errorName } from './response-errors.ts';

export interface EncodedBatch {
  readonly topic: string;
  readonly partition: number;
  readonly bytes: Buffer;
}

export interface ProduceResponse {
  /** Kafka's error name by `topic-partition`; undefined where the batch was acknowledged. */
  readonly errors: ReadonlyMap<string, string | undefined>;
  /** Time for which the client must send no request. */
  readonly throttleMs: number;
}

interface ProduceOptions {
  readonly transactionalId: string | null;
  /** Time that the broker waits for the replicas. */
  readonly timeoutMs: number;
}

const produceKey = 0;
const produceVersion = 7;
const allReplicas = -1;

export function partitionName({
  topic,
  partition,
}: {
  readonly topic: string;
  readonly partition: number;
}): string {
  return `${topic}-${partition}`;
}

/** At most one batch of each partition. */
export function produceRequest(
  batches: readonly EncodedBatch[],
  options: ProduceOptions,
): ProtocolRequest<ProduceResponse> {
  const buffer = encode(batches, options);
  return {
    request: {
      apiKey: produceKey,
      apiVersion: produceVersion,
      apiName: 'Produce',
      encode: async () => ({ buf: buffer, buffer }),
    },
    response: {
      decode: async (bytes) => decode(bytes),
      parse: async (decoded) => decoded as ProduceResponse,
    },
    logResponseError: false,
  };
}

function encode(batches: readonly EncodedBatch[], { transactionalId, timeoutMs }: ProduceOptions): Buffer {
  const topics = byTopic(batches);
  const writer = createByteWriter(sizeOf(topics, transactionalId));
  writer.string(transactionalId);
  writer.int16(allReplicas);
  writer.int32(timeoutMs);
  writer.int32(topics.size);
  for (const [topic, partitions] of topics) {
    writer.string(topic);
    writer.int32(partitions.length);
    for (const { partition, bytes } of partitions) {
      writer.int32(partition);
      writer.int32(bytes.length);
      writer.raw(bytes);
    }
  }
  return writer.buffer;
}

function byTopic(batches: readonly EncodedBatch[]): Map<string, EncodedBatch[]> {
  const topics = new Map<string, EncodedBatch[]>();
  for (const batch of batches) {
    const partitions = topics.get(batch.topic);
    if (partitions === undefined) topics.set(batch.topic, [batch]);
    else partitions.push(batch);
  }
  return topics;
}

function sizeOf(
  topics: ReadonlyMap<string, readonly EncodedBatch[]>,
  transactionalId: string | null,
): number {
  let size = 2 + Buffer.byteLength(transactionalId ?? '') + 2 + 4 + 4;
  for (const [topic, partitions] of topics) {
    size += 2 + Buffer.byteLength(topic) + 4;
    for (const { bytes } of partitions) size += 8 + bytes.length;
  }
  return size;
}

function decode(bytes: Buffer): ProduceResponse {
  const decoder = new Decoder(bytes);
  const errors = new Map<string, string | undefined>();
  decoder.readArray(() => {
    const topic = decoder.readString() ?? '';
    decoder.readArray(() => {
      const partition = decoder.readInt32();
      errors.set(partitionName({ topic, partition }), errorName(decoder.readInt16()));
      decoder.readInt64(); // base offset
      decoder.readInt64(); // append time
      decoder.readInt64(); // start of the log
    });
  });
  return { errors, throttleMs: decoder.readInt32() };
}
