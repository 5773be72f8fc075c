/**
 * Kafka's Metadata in version 7. kafkajs' own fails where one partition has no leader, so that one broker that is down
 * would block writes to all others.
 */
import { Decoder, Encoder, type ProtocolRequest } from '../../client/kafkajs.ts';
import { errorName } from './response-errors.ts';

export interface NodeAddress {
  readonly nodeId: number;
  readonly host: string;
  readonly port: number;
}

export interface ClusterMetadata {
  readonly nodes: readonly NodeAddress[];
  readonly topics: readonly TopicMetadata[];
}

interface TopicMetadata {
  readonly topic: string;
  /** Kafka's error name, e.g. UNKNOWN_TOPIC_OR_PARTITION. */
  readonly error: string | undefined;
  /** Node id of each partition's leader; undefined without a leader. */
  readonly leaders: ReadonlyMap<number, number | undefined>;
}

const metadataKey = 3;
const metadataVersion = 7;

/** Creates no topics. */
export function metadataRequest(topics: readonly string[]): ProtocolRequest<ClusterMetadata> {
  return {
    request: {
      apiKey: metadataKey,
      apiVersion: metadataVersion,
      apiName: 'Metadata',
      encode: async () => new Encoder().writeArray([...topics]).writeBoolean(false),
    },
    response: {
      decode: async (bytes) => decode(bytes),
      parse: async (decoded) => decoded as ClusterMetadata,
    },
    logResponseError: false,
  };
}

function decode(bytes: Buffer): ClusterMetadata {
  const decoder = new Decoder(bytes);
  decoder.readInt32(); // throttle time
  const nodes = decoder.readArray(() => {
    const node = { nodeId: decoder.readInt32(), host: decoder.readString() ?? '', port: decoder.readInt32() };
    decoder.readString(); // rack
    return node;
  });
  decoder.readString(); // cluster id
  decoder.readInt32(); // controller
  return { nodes, topics: decoder.readArray(() => decodeTopic(decoder)) };
}

function decodeTopic(decoder: Decoder): TopicMetadata {
  const error = errorName(decoder.readInt16());
  const topic = decoder.readString() ?? '';
  decoder.readBoolean(); // internal
  const leaders = new Map<number, number | undefined>();
  decoder.readArray(() => {
    decoder.readInt16(); // error; a missing leader says the same
    const partition = decoder.readInt32();
    const leader = decoder.readInt32();
    decoder.readInt32(); // leader epoch
    for (let list = 0; list < 3; list += 1) decoder.readArray(() => decoder.readInt32()); // replicas
    leaders.set(partition, leader < 0 ? undefined : leader);
  });
  return { topic, error, leaders };
}
