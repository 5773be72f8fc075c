import { describe, expect, it } from 'vitest';
import { runProgram } from '../../program.ts';
import { createTestConsole } from '../../testing/test-console.ts';

const run = async (args: readonly string[], environment: Record<string, string> = {}) => {
  const console = createTestConsole(environment);
  const code = await runProgram(['node', 'headwater', ...args], console);
  return { code, out: console.out(), err: console.err() };
};

describe('headwater topics --dry-run', () => {
  it('prints every topic with its settings and the ACLs without a cluster', async () => {
    const { code, out } = await run(['topics', '--dry-run', '--extractor', 'lenet-digits.v1'], {
      PARTITIONS: '12',
      KAFKA_BROKERS: 'nowhere.invalid:9092',
    });
    expect(code).toBe(0);
    expect(out).toContain('images  partitions=12 replicas=default\n    cleanup.policy=delete');
    expect(out).toContain('vectors.lenet-digits.v1  partitions=12');
    expect(out).toContain('serving  partitions=1');
    expect(out).toContain('vectors.lenet-digits.v1-dlt');
    expect(out).toContain('kafka-acls.sh --add --allow-principal User:ingest');
  });

  it('prints the same for machines', async () => {
    const { out } = await run(['topics', '--dry-run', '--json'], {
      EXTRACTORS: 'a.v1, b.v2',
      TOPIC_PREFIX: 'team.',
    });
    const { topics, acls } = JSON.parse(out);
    const names = topics.map(({ name }: { name: string }) => name);
    expect(names).toContain('team.vectors.b.v2');
    expect(new Set(names).size).toBe(names.length);
    expect(acls).toContainEqual({
      service: 'extract',
      resource: 'topic',
      name: 'team.vectors.a.v1',
      pattern: 'literal',
      operations: ['Create', 'Describe', 'Write'],
    });
  });

  it('needs brokers to create topics on', async () => {
    const { code, err } = await run(['topics']);
    expect([code, err.includes('KAFKA_BROKERS')]).toEqual([2, true]);
  });

  it('lists everything that is wrong with the environment at once', async () => {
    const { code, err } = await run(['topics', '--dry-run'], {
      PARTITIONS: 'many',
      RETENTION_IMAGES: 'soon',
    });
    expect(code).toBe(2);
    expect(err).toContain('PARTITIONS');
    expect(err).toContain('RETENTION_IMAGES');
  });
});
