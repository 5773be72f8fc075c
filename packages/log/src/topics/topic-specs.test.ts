import { describe, expect, test } from 'vitest';
import { createNames } from './names.ts';
import { topicSpecs } from './topic-specs.ts';

const day = 86_400_000;
const names = createNames();
const specsOf = (options: Partial<Parameters<typeof topicSpecs>[1]> = {}) =>
  new Map(
    topicSpecs(names, { extractors: ['a.v1', 'b.v1'], partitions: 6, ...options }).map((spec) => [
      spec.name,
      spec,
    ]),
  );

describe('topicSpecs', () => {
  test('names every topic once, with dead-letter topics for processed topics', () => {
    const specs = specsOf();
    expect([...specs.keys()].sort()).toEqual(
      [
        ...['images', 'labels', 'vectors.a.v1', 'vectors.b.v1', 'examples'].flatMap((name) => [
          name,
          `${name}-dlt`,
        ]),
        ...['predictions', 'heads', 'serving'],
      ].sort(),
    );
  });

  test('co-partitioned topics have equal partition counts', () => {
    const specs = specsOf({ partitions: 12 });
    expect(['labels', 'vectors.a.v1', 'vectors.b.v1'].map((name) => specs.get(name)?.partitions)).toEqual([
      12, 12, 12,
    ]);
    expect(specs.get('heads')?.partitions).toBe(1);
  });

  test('streams have a retention, tables are compacted', () => {
    const settings = (name: string, options = {}) => specsOf(options).get(name)?.settings;
    expect(settings('images')).toMatchObject({ 'cleanup.policy': 'delete', 'retention.ms': String(7 * day) });
    expect(settings('labels')).toMatchObject({ 'cleanup.policy': 'delete', 'retention.ms': '-1' });
    expect(settings('labels', { retention: { labels: day } })).toMatchObject({ 'retention.ms': String(day) });
    for (const table of ['vectors.a.v1', 'examples', 'heads', 'serving']) {
      expect(settings(table)).toMatchObject({
        'cleanup.policy': 'compact',
        'max.compaction.lag.ms': String(day),
      });
      expect(settings(table)).not.toHaveProperty('retention.ms');
    }
  });

  test('keeps a superseded vector for its reader, and removes it before erasure is due', () => {
    const settings = specsOf({ maxCompactionLag: 1000 }).get('vectors.a.v1')?.settings ?? {};
    expect(Number(settings['min.compaction.lag.ms'])).toBe(500);
    expect(Number(settings['max.compaction.lag.ms'])).toBe(1000);
  });

  test('a dead-letter topic accepts every record of its source', () => {
    const specs = specsOf({ maxMessageBytes: 5_000_000 });
    const limit = (name: string) => Number(specs.get(name)?.settings['max.message.bytes']);
    for (const name of specs.keys()) {
      if (name.endsWith('-dlt')) expect(limit(name)).toBeGreaterThan(limit(name.slice(0, -4)) + 100_000);
    }
  });

  test('leaves replication to the broker unless it is set', () => {
    for (const spec of specsOf().values()) {
      expect(spec).not.toHaveProperty('replicationFactor');
      expect(spec.settings).not.toHaveProperty('min.insync.replicas');
    }
    for (const spec of specsOf({ replicationFactor: 3, minInsyncReplicas: 2 }).values()) {
      expect(spec).toMatchObject({ replicationFactor: 3, settings: { 'min.insync.replicas': '2' } });
    }
  });
});
