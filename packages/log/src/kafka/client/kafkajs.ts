/**
 * The only file that loads kafkajs and its internal modules. Its last release is from 2023; defects
 * (docs/reference/kafka.md) are patched or avoided here. The patches depend on the internals of one version, so
 * any other version is rejected.
 */
import { createRequire } from 'node:module';
import { HeadwaterError } from '@headwater/errors';
import { crc32c } from '@node-rs/crc32';
import type * as kafkajs from 'kafkajs';
import { type RecordBatchDecoder, verifyRecordBatches } from '../fetch/record-batches.ts';
import { compressionCodecs } from './compression.ts';
import { type ConsumerGroupClass, completeConsumerGroup, type StaticAssigner } from './consumer-group.ts';
import type { RawRecord } from './raw-record.ts';

export type {
  Admin,
  Assigner,
  Consumer,
  KafkaConfig,
  LogEntry,
  logCreator as LogCreator,
  Producer,
} from 'kafkajs';

export interface AbortedTransaction {
  readonly producerId: string;
  readonly firstOffset: string;
}

export interface FetchedPartition {
  readonly partition: number;
  readonly highWatermark: string;
  readonly lastStableOffset: string;
  readonly abortedTransactions: readonly AbortedTransaction[] | null;
  readonly messages: readonly RawRecord[];
}

export interface FetchRequest {
  readonly isolationLevel: 1;
  readonly maxWaitTime: number;
  readonly minBytes: number;
  readonly maxBytes: number;
  readonly topics: readonly {
    readonly topic: string;
    readonly partitions: readonly {
      readonly partition: number;
      readonly fetchOffset: string;
      readonly maxBytes: number;
    }[];
  }[];
}

/** Encoded bytes, in the form that kafkajs expects of an encoder. */
interface EncodedRequest {
  readonly buf: Buffer;
  readonly buffer: Buffer;
}

/** A request that kafkajs does not support, with the decoder of its response. */
export interface ProtocolRequest<T> {
  readonly request: {
    readonly apiKey: number;
    readonly apiVersion: number;
    readonly apiName: string;
    encode(): Promise<EncodedRequest>;
  };
  readonly response: {
    decode(bytes: Buffer): Promise<unknown>;
    parse(decoded: unknown): Promise<T>;
  };
  readonly logResponseError: boolean;
}

/** A connection that can be closed immediately: kafkajs' own `disconnect` waits for outstanding responses. */
interface Connection {
  readonly requestQueue: { destroy(): void };
  readonly socket?: { destroy(): void };
  rejectRequests(error: Error): void;
}

/** A broker connected by address, outside a `Cluster`. */
export interface DirectBroker {
  readonly versions: Readonly<Record<number, { readonly maxVersion: number }>>;
  readonly connectionPool: {
    readonly pool: readonly Connection[];
    send<T>(request: ProtocolRequest<T>): Promise<T>;
  };
  isConnected(): boolean;
  connect(): Promise<void>;
}

export interface Broker {
  /** Supported request versions by API key; set after connecting. */
  readonly versions: Readonly<Record<number, { readonly maxVersion: number }>>;
  readonly connectionPool: { send<T>(request: ProtocolRequest<T>): Promise<T> };
  fetch(request: FetchRequest): Promise<{
    readonly responses: readonly {
      readonly topicName: string;
      readonly partitions: readonly FetchedPartition[];
    }[];
  }>;
}

/** kafkajs' connections to a cluster, without a producer or consumer. */
export interface Cluster {
  connect(): Promise<void>;
  disconnect(): Promise<void>;
  addMultipleTargetTopics(topics: readonly string[]): Promise<void>;
  refreshMetadata(): Promise<void>;
  refreshMetadataIfNecessary(): Promise<void>;
  removeBroker(address: { readonly host: string; readonly port: number }): void;
  findTopicPartitionMetadata(topic: string): readonly { readonly partitionId: number }[];
  /** Partitions by the node id of their leader. */
  findLeaderForPartitions(
    topic: string,
    partitions: readonly number[],
  ): Readonly<Record<string, readonly number[]>>;
  findBroker(options: { readonly nodeId: string }): Promise<Broker>;
  findGroupCoordinator(options: { readonly groupId: string }): Promise<Broker>;
  fetchTopicsOffset(
    topics: readonly {
      readonly topic: string;
      readonly fromBeginning: boolean;
      readonly partitions: readonly { readonly partition: number }[];
    }[],
  ): Promise<
    readonly {
      readonly topic: string;
      readonly partitions: readonly { readonly partition: number; readonly offset: string }[];
    }[]
  >;
}

/** Writes Kafka's types; methods with `UVarInt` write the compact types. */
export interface Encoder extends EncodedRequest {
  writeInt8(value: number): this;
  writeInt16(value: number): this;
  writeInt32(value: number): this;
  writeInt64(value: string): this;
  writeBoolean(value: boolean): this;
  writeString(value: string | null): this;
  writeArray(values: readonly (Encoder | string)[]): this;
  writeEncoder(value: EncodedRequest): this;
  writeUVarInt(value: number): this;
  writeUVarIntString(value: string | null): this;
  writeUVarIntArray(values: readonly Encoder[]): this;
}

export interface Decoder {
  readBoolean(): boolean;
  readString(): string | null;
  readBytes(): Buffer | null;
  readArray<T>(read: () => T): T[];
  readInt16(): number;
  readInt32(): number;
  readInt64(): { toString(): string };
  readUVarIntString(): string | null;
  readUVarIntArray(read: () => void): unknown;
  readTaggedFields(): unknown;
}

/** Payload of the consumer's event GROUP_JOIN. */
export interface GroupJoin {
  readonly memberId: string;
  /** Added in consumer-group.ts. */
  readonly generationId: number;
  readonly memberAssignment: Readonly<Record<string, readonly number[]>>;
}

const supportedVersion = '2.2.4';
const require = createRequire(import.meta.url);

function load(): typeof kafkajs {
  const { version } = require('kafkajs/package.json') as { readonly version: string };
  if (version !== supportedVersion) {
    const message = `kafkajs ${version} is installed, but the patches require ${supportedVersion}; run npm ci`;
    throw new HeadwaterError('prerequisite-missing', message);
  }
  // kafkajs' CRC is written in JavaScript, and took half of the time of producing.
  replace<(bytes: Buffer) => number>('protocol/recordBatch/crc32C', () => (bytes) => crc32c(bytes));
  replace<RecordBatchDecoder>('protocol/recordBatch/v0/decoder', verifyRecordBatches);
  replace<ConsumerGroupClass>('consumer/consumerGroup', completeConsumerGroup);
  mendRequestQueue();
  return require('kafkajs') as typeof kafkajs;
}

/** Replaces the exports of a kafkajs module, which no other module may have loaded before. */
function replace<T>(module: string, patch: (original: T) => T): void {
  const path = require.resolve(`kafkajs/src/${module}`);
  const original = require(path) as T;
  const entry = require.cache[path];
  if (entry !== undefined) entry.exports = patch(original);
}

interface RequestQueue {
  readonly pending: readonly unknown[];
  scheduleCheckPendingRequests(): void;
}

/**
 * With no pending request, kafkajs sets a timer with a negative delay, which sets the next one: every version of Node
 * wakes up each millisecond, and Node 24 prints a warning. A later request sets its own timer.
 */
function mendRequestQueue(): void {
  const { prototype } = require('kafkajs/src/network/requestQueue') as { readonly prototype: RequestQueue };
  const schedule = prototype.scheduleCheckPendingRequests;
  prototype.scheduleCheckPendingRequests = function (this: RequestQueue) {
    if (this.pending.length > 0) schedule.call(this);
  };
}

const loaded = load();
for (const [type, codec] of compressionCodecs) loaded.CompressionCodecs[type as 1] = () => codec;

export const { AssignerProtocol, Kafka, logLevel } = loaded;

export const Encoder = require('kafkajs/src/protocol/encoder') as new () => Encoder;
export const Decoder = require('kafkajs/src/protocol/decoder') as new (bytes: Buffer) => Decoder;
export const { createErrorFromCode } = require('kafkajs/src/protocol/error') as {
  createErrorFromCode(code: number): Error & { readonly type: string };
};

/** The assigner of a static member, where there is an instance id. */
export function withInstanceId(assigner: kafkajs.Assigner, instanceId: string | undefined): kafkajs.Assigner {
  const both: kafkajs.Assigner & StaticAssigner = { ...assigner, instanceId };
  return both;
}

type ClusterOptions = kafkajs.KafkaConfig & { readonly logger: unknown; readonly [option: string]: unknown };
const ClusterClass = require('kafkajs/src/cluster') as new (options: ClusterOptions) => Cluster;
const loggers = require('kafkajs/src/loggers') as {
  createLogger(options: { readonly level: number; readonly logCreator: kafkajs.logCreator }): unknown;
};
const BrokerClass = require('kafkajs/src/broker') as new (options: object) => DirectBroker;
const connectionPools = require('kafkajs/src/cluster/connectionPoolBuilder') as (options: object) => {
  build(address: BrokerAddress): Promise<DirectBroker['connectionPool']>;
};
const createSocketFactory = require('kafkajs/src/network/socketFactory') as () => kafkajs.ISocketFactory;

/** Connections for reads without a group: kafkajs has no manual assignment. */
export function createCluster(config: kafkajs.KafkaConfig & { logCreator: kafkajs.logCreator }): Cluster {
  const { logCreator, logLevel: level = loaded.logLevel.INFO, ...rest } = config;
  return new ClusterClass({
    ...rest,
    logger: loggers.createLogger({ level, logCreator }),
    socketFactory: createSocketFactory(),
    metadataMaxAge: 300_000,
    allowAutoTopicCreation: false,
    isolationLevel: 1,
  });
}

export interface BrokerAddress {
  readonly host: string;
  readonly port: number;
}

/** Creates unconnected brokers by address, with the TLS and login of `config`. */
export function createBrokers(
  config: kafkajs.KafkaConfig & { logCreator: kafkajs.logCreator },
): (address: BrokerAddress) => Promise<DirectBroker> {
  const { logCreator, logLevel: level = loaded.logLevel.INFO, ...rest } = config;
  const logger = loggers.createLogger({ level, logCreator });
  const pools = connectionPools({ ...rest, logger, socketFactory: createSocketFactory() });
  return async (address) =>
    new BrokerClass({
      connectionPool: await pools.build(address),
      logger,
      allowAutoTopicCreation: false,
    });
}
