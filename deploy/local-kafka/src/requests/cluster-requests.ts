/** Administrative requests for trials: leaders of partitions, coordinators, and moving leaders. */
import { type Reader, type RequestType, request, Writer } from './wire.ts';

interface PartitionState {
  readonly partition: number;
  /** `node.id`; −1 without a leader. */
  readonly leader: number;
  /** Leader epoch: of two observations, the one with the higher epoch is newer. */
  readonly epoch: number;
  readonly replicas: readonly number[];
  readonly insync: readonly number[];
}

export interface ClusterState {
  /** Ids of brokers that are up and registered. */
  readonly brokers: readonly number[];
  readonly topics: ReadonlyMap<string, readonly PartitionState[]>;
}

const timeoutMs = 5_000;
const metadata: RequestType = { key: 3, version: 7, isFlexible: false };
const findCoordinator: RequestType = { key: 10, version: 1, isFlexible: false };
const electLeaders: RequestType = { key: 43, version: 1, isFlexible: false };
const alterReassignments: RequestType = { key: 45, version: 0, isFlexible: true };

/** Metadata of the broker on this port of 127.0.0.1; omits missing topics. Errors: no response in time. */
export async function describeCluster(port: number, topics: readonly string[]): Promise<ClusterState> {
  const body = new Writer().array(topics, (topic, writer) => writer.string(topic)).int8(0);
  const reader = await request(port, metadata, body, timeoutMs);
  reader.int32();
  const brokers = reader.array(() => {
    const id = reader.int32();
    reader.string();
    reader.int32();
    reader.string();
    return id;
  });
  reader.string();
  reader.int32();
  const described = reader.array(() => readTopic(reader));
  return { brokers, topics: new Map(described.filter(([, partitions]) => partitions.length > 0)) };
}

function readTopic(reader: Reader): [string, PartitionState[]] {
  reader.int16();
  const name = reader.string() ?? '';
  reader.int8();
  const partitions = reader.array(() => {
    reader.int16();
    const [partition, leader, epoch] = [reader.int32(), reader.int32(), reader.int32()];
    const replicas = reader.array(() => reader.int32());
    const insync = reader.array(() => reader.int32());
    reader.array(() => reader.int32());
    return { partition, leader, epoch, replicas, insync };
  });
  return [name, partitions.sort((a, b) => a.partition - b.partition)];
}

/** `node.id` of the coordinator of a group or transactional id; undefined without one. Errors: no response in time. */
export async function coordinatorOf(
  port: number,
  kind: 'group' | 'transaction',
  name: string,
): Promise<number | undefined> {
  const body = new Writer().string(name).int8(kind === 'group' ? 0 : 1);
  const reader = await request(port, findCoordinator, body, timeoutMs);
  reader.int32();
  const error = reader.int16();
  reader.string();
  return error === 0 ? reader.int32() : undefined;
}

/**
 * Makes the next replica the leader of each partition of these topics, where it is in sync. Resolves to the number of
 * changed partitions. Errors: no response in time.
 */
export async function moveLeaders(port: number, topics: readonly string[]): Promise<number> {
  const before = await describeCluster(port, topics);
  const orders = [...before.topics].map(([topic, partitions]) => ({
    topic,
    partitions: partitions.map(({ partition, leader, replicas }) => ({
      partition,
      replicas: rotated(replicas, leader),
    })),
  }));
  const reordered = new Writer().int32(timeoutMs).compactArray(orders, ({ topic, partitions }, writer) => {
    writer.compactString(topic).compactArray(partitions, ({ partition, replicas }) => {
      writer
        .int32(partition)
        .compactArray(replicas, (replica) => writer.int32(replica))
        .noTags();
    });
    writer.noTags();
  });
  await request(port, alterReassignments, reordered.noTags(), 2 * timeoutMs);
  const elected = new Writer().int8(0).array(orders, ({ topic, partitions }, writer) => {
    writer.string(topic).array(partitions, ({ partition }) => writer.int32(partition));
  });
  const reader = await request(port, electLeaders, elected.int32(timeoutMs), 2 * timeoutMs);
  return countElected(reader);
}

/** Puts the replica after the leader first, which makes it the preferred leader. */
function rotated(replicas: readonly number[], leader: number): number[] {
  const next = replicas.indexOf(leader) + 1;
  return [...replicas.slice(next), ...replicas.slice(0, next)];
}

function countElected(reader: Reader): number {
  reader.int32();
  reader.int16();
  const errors = reader.array(() => {
    reader.string();
    return reader.array(() => {
      reader.int32();
      const error = reader.int16();
      reader.string();
      return error;
    });
  });
  return errors.flat().filter((error) => error === 0).length;
}
