/**
 * Requests of transactions. kafkajs' InitProducerId cannot send the current identity; in version 3 it prevents a
 * fenced owner from fencing its successor. kafkajs' AddPartitionsToTxn reports the first error, which may be that of
 * a partition that was not attempted because of another.
 */
import { Decoder, Encoder, type ProtocolRequest } from '../../client/kafkajs.ts';
import type { TopicPartition } from '../../options.ts';
import type { NodeAddress } from './metadata-request.ts';
import type { ProducerIdentity } from './record-batch.ts';
import { errorName } from './response-errors.ts';

export type CoordinatorType = 'group' | 'transaction';

/** `error` is Kafka's error name; undefined on success. */
export interface BrokerResult<T> {
  readonly error: string | undefined;
  readonly value: T;
}

export interface TransactionRef extends ProducerIdentity {
  readonly transactionalId: string;
}

function request<T>(
  name: { readonly apiKey: number; readonly apiVersion: number; readonly apiName: string },
  encode: () => Encoder,
  decode: (decoder: Decoder) => BrokerResult<T>,
): ProtocolRequest<BrokerResult<T>> {
  return {
    request: { ...name, encode: async () => encode() },
    response: {
      decode: async (bytes) => decode(new Decoder(bytes)),
      parse: async (decoded) => decoded as BrokerResult<T>,
    },
    logResponseError: false,
  };
}

export function findCoordinatorRequest(
  key: string,
  type: CoordinatorType,
): ProtocolRequest<BrokerResult<NodeAddress>> {
  return request(
    { apiKey: 10, apiVersion: 1, apiName: 'FindCoordinator' },
    () => new Encoder().writeString(key).writeInt8(type === 'group' ? 0 : 1),
    (decoder) => {
      decoder.readInt32();
      const error = errorName(decoder.readInt16());
      decoder.readString();
      const value = {
        nodeId: decoder.readInt32(),
        host: decoder.readString() ?? '',
        port: decoder.readInt32(),
      };
      return { error, value };
    },
  );
}

const noProducer: ProducerIdentity = { producerId: -1n, epoch: -1 };

/**
 * With `current`, requests a later epoch of that identity; without it, fences the former owner of the id. A null
 * transactional id requests the identity of an idempotent producer.
 */
export function initProducerIdRequest(
  transactionalId: string | null,
  timeoutMs: number,
  current: ProducerIdentity = noProducer,
): ProtocolRequest<BrokerResult<ProducerIdentity>> {
  return request(
    { apiKey: 22, apiVersion: 3, apiName: 'InitProducerId' },
    // Zeros are empty tagged fields, of the header and of the request.
    () =>
      new Encoder()
        .writeUVarInt(0)
        .writeUVarIntString(transactionalId)
        .writeInt32(timeoutMs)
        .writeInt64(String(current.producerId))
        .writeInt16(current.epoch)
        .writeUVarInt(0),
    (decoder) => {
      decoder.readTaggedFields();
      decoder.readInt32();
      const error = errorName(decoder.readInt16());
      const value = { producerId: BigInt(decoder.readInt64().toString()), epoch: decoder.readInt16() };
      return { error, value };
    },
  );
}

export function addPartitionsRequest(
  transaction: TransactionRef,
  partitions: readonly TopicPartition[],
): ProtocolRequest<BrokerResult<undefined>> {
  return request(
    { apiKey: 24, apiVersion: 1, apiName: 'AddPartitionsToTxn' },
    () => encodeRef(transaction).writeArray(topicsOf(partitions)),
    (decoder) => {
      decoder.readInt32();
      return { error: decodePartitionErrors(decoder), value: undefined };
    },
  );
}

export function addOffsetsRequest(
  transaction: TransactionRef,
  group: string,
): ProtocolRequest<BrokerResult<undefined>> {
  return request(
    { apiKey: 25, apiVersion: 1, apiName: 'AddOffsetsToTxn' },
    () => encodeRef(transaction).writeString(group),
    decodeError,
  );
}

/** Next offset to read of a partition. */
type OffsetCommit = TopicPartition & { readonly offset: bigint };

export function txnOffsetCommitRequest(
  { transactionalId, producerId, epoch }: TransactionRef,
  group: string,
  offsets: readonly OffsetCommit[],
): ProtocolRequest<BrokerResult<undefined>> {
  return request(
    { apiKey: 28, apiVersion: 1, apiName: 'TxnOffsetCommit' },
    () =>
      new Encoder()
        .writeString(transactionalId)
        .writeString(group)
        .writeInt64(String(producerId))
        .writeInt16(epoch)
        .writeArray(
          byTopic(offsets, ({ partition, offset }) =>
            new Encoder().writeInt32(partition).writeInt64(String(offset)).writeString(null),
          ),
        ),
    (decoder) => {
      decoder.readInt32();
      return { error: decodePartitionErrors(decoder), value: undefined };
    },
  );
}

export function endTransactionRequest(transaction: TransactionRef): ProtocolRequest<BrokerResult<undefined>> {
  return request(
    { apiKey: 26, apiVersion: 1, apiName: 'EndTxn' },
    () => encodeRef(transaction).writeBoolean(true),
    decodeError,
  );
}

function encodeRef({ transactionalId, producerId, epoch }: TransactionRef): Encoder {
  return new Encoder().writeString(transactionalId).writeInt64(String(producerId)).writeInt16(epoch);
}

function topicsOf(partitions: readonly TopicPartition[]): Encoder[] {
  return byTopic(partitions, ({ partition }) => new Encoder().writeInt32(partition));
}

function byTopic<T extends TopicPartition>(items: readonly T[], encode: (item: T) => Encoder): Encoder[] {
  const topics = new Map<string, Encoder[]>();
  for (const item of items) topics.set(item.topic, [...(topics.get(item.topic) ?? []), encode(item)]);
  return [...topics].map(([topic, encoded]) => new Encoder().writeString(topic).writeArray(encoded));
}

function decodeError(decoder: Decoder): BrokerResult<undefined> {
  decoder.readInt32();
  return { error: errorName(decoder.readInt16()), value: undefined };
}

/** The causing error: OPERATION_NOT_ATTEMPTED of other partitions follows from it. */
function decodePartitionErrors(decoder: Decoder): string | undefined {
  const errors: string[] = [];
  decoder.readArray(() => {
    decoder.readString();
    decoder.readArray(() => {
      decoder.readInt32();
      const error = errorName(decoder.readInt16());
      if (error !== undefined) errors.push(error);
    });
  });
  return errors.find((error) => error !== 'OPERATION_NOT_ATTEMPTED') ?? errors[0];
}
