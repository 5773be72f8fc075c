import { describe, expect, it } from 'vitest';
import type { TopicReplication } from '../api.ts';
import { findReplicationGaps } from './replication-check.ts';

const gapsOf = (brokers: number, topics: Readonly<Record<string, TopicReplication>>) =>
  findReplicationGaps({ brokers, topics: new Map(Object.entries(topics)) });

describe('replication check', () => {
  it('accepts three replicas of which two acknowledge', () => {
    expect(gapsOf(3, { images: { replicas: 3, minInsyncReplicas: 2 } })).toEqual([]);
    expect(gapsOf(5, { images: { replicas: 5, minInsyncReplicas: 3 } })).toEqual([]);
  });

  it('finds an internal topic with one replica', () => {
    const [gap] = gapsOf(3, { __consumer_offsets: { replicas: 1, minInsyncReplicas: 1 } });
    expect(gap).toMatchObject({ topic: '__consumer_offsets', replicas: 1 });
    expect(gap?.remedy).toContain('kafka-reassign-partitions.sh');
  });

  it('finds a topic that one replica alone may acknowledge', () => {
    const [gap] = gapsOf(3, { images: { replicas: 3, minInsyncReplicas: 1 } });
    expect(gap?.remedy).toContain('--entity-name images --add-config min.insync.replicas=2');
  });

  it('checks only replicas where the settings cannot be read', () => {
    const topics = { images: { replicas: 3, minInsyncReplicas: undefined } };
    expect(gapsOf(3, topics)).toEqual([]);
  });

  it('skips a cluster of one broker', () => {
    expect(gapsOf(1, { images: { replicas: 1, minInsyncReplicas: 1 } })).toEqual([]);
  });

  it('finds a cluster of two brokers, which cannot hold three replicas', () => {
    expect(gapsOf(2, { images: { replicas: 2, minInsyncReplicas: 2 } })).toHaveLength(1);
  });
});
