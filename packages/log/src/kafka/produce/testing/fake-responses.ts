/** Responses of a fake broker that depend only on the state of the cluster. */
import { Encoder } from '../../client/kafkajs.ts';
import { errorCodes } from './error-codes.ts';
import type { FakePartition } from './fake-partition.ts';

/** Supported requests: Produce, Metadata, FindCoordinator, and those of transactions. */
export function answerApiVersions(): Encoder {
  const versions = [0, 3, 10, 18, 22, 24, 25, 26, 28].map((key) =>
    new Encoder().writeInt16(key).writeInt16(0).writeInt16(7),
  );
  return new Encoder().writeInt16(0).writeArray(versions).writeInt32(0);
}

/** Metadata, version 7. A leader of −1 means none. */
export function answerMetadata(ports: readonly number[], partitions: readonly FakePartition[]): Encoder {
  const brokers = ports.map((port, node) =>
    new Encoder().writeInt32(node).writeString('127.0.0.1').writeInt32(port).writeString(null),
  );
  const topics = [...new Set(partitions.map(({ topic }) => topic))].map((topic) =>
    new Encoder()
      .writeInt16(0)
      .writeString(topic)
      .writeBoolean(false)
      .writeArray(partitions.filter((one) => one.topic === topic).map(partitionMetadata)),
  );
  return new Encoder().writeInt32(0).writeArray(brokers).writeString('fake').writeInt32(0).writeArray(topics);
}

function partitionMetadata({ partition, leader }: FakePartition): Encoder {
  return new Encoder()
    .writeInt16(leader < 0 ? errorCodes.LEADER_NOT_AVAILABLE : 0)
    .writeInt32(partition)
    .writeInt32(leader)
    .writeInt32(0)
    .writeArray([])
    .writeArray([])
    .writeArray([]);
}
