/**
 * Whether the topics are those of the snapshot: offsets begin anew in a topic that was deleted and made again, or is
 * another installation's. Compaction removes some of the records that a snapshot names, but seldom all.
 */
import type { AssignedPartition, Positions } from '@headwater/log';
import type { Landmark } from './snapshot-format.ts';

/** Records that are named for each topic. */
const landmarksOfTopic = 16;
/** Offsets before the position that are searched for them. */
const reaches = [64n, 4_096n];

export async function readLandmarks(partition: AssignedPartition, positions: Positions): Promise<Landmark[]> {
  const found: Landmark[] = [];
  for (const topic of partition.topics) found.push(...(await landmarksBefore(partition, topic, positions)));
  return found;
}

async function landmarksBefore(
  partition: AssignedPartition,
  topic: string,
  positions: Positions,
): Promise<Landmark[]> {
  const to = positions.get(topic) ?? 0n;
  for (const reach of reaches) {
    const from = to > reach ? to - reach : 0n;
    let last: Landmark[] = [];
    if (from >= to) return last;
    for await (const chunk of partition.replay({ topic, from, to })) {
      const named = chunk.map(({ offset, timestamp }) => ({ topic, offset, timestamp }));
      last = [...last, ...named].slice(-landmarksOfTopic);
    }
    if (last.length > 0) return last;
  }
  return [];
}

export async function haveLandmarks(
  partition: AssignedPartition,
  landmarks: readonly Landmark[],
): Promise<boolean> {
  for (const topic of partition.topics) {
    const own = landmarks.filter((one) => one.topic === topic);
    if (own.length > 0 && !(await hasLandmarks(partition, topic, own))) return false;
  }
  return true;
}

async function hasLandmarks(
  partition: AssignedPartition,
  topic: string,
  landmarks: readonly Landmark[],
): Promise<boolean> {
  const stated = new Map(landmarks.map(({ offset, timestamp }) => [offset, timestamp]));
  const from = landmarks[0]?.offset ?? 0n;
  const to = (landmarks.at(-1)?.offset ?? from) + 1n;
  let found = 0;
  for await (const chunk of partition.replay({ topic, from, to })) {
    for (const { offset, timestamp } of chunk) {
      if (!stated.has(offset)) continue;
      if (stated.get(offset) !== timestamp) return false;
      found += 1;
    }
  }
  return found > 0;
}
