import { describe, expect, it } from 'vitest';
import { createRunPrefix, runEnvironment } from './environment.ts';

const run = { brokers: ['a:1', 'b:2'], dataDir: '/data', extractor: 'x.v1', task: 'digit' };

describe('the environment of a run', () => {
  it('sets the variables of the run', () => {
    expect(runEnvironment({ ...run, user: { PARTITIONS: '9' }, partitions: 2 })).toMatchObject({
      KAFKA_BROKERS: 'a:1,b:2',
      DATA_DIR: '/data',
      EXTRACTORS: 'x.v1',
      TASKS: 'digit',
      PARTITIONS: '2',
    });
  });

  it('leaves the rest to the user', () => {
    const user = { PARTITIONS: '9', TOPIC_IMAGES: 'pictures', LOG_LEVEL: 'debug' };
    expect(runEnvironment({ ...run, user })).toMatchObject(user);
  });

  it('keeps a throw-away run away from names of the user', () => {
    const user = {
      TOPIC_IMAGES: 'pictures',
      GROUP_JOIN: 'joiners',
      TOPIC_PREFIX: 'team-',
      TOPICS_CREATE: 'true',
    };
    const environment = runEnvironment({ ...run, user, prefix: 'run-' });
    expect(environment).toMatchObject({
      TOPIC_PREFIX: 'team-run-',
      GROUP_PREFIX: 'run-',
      TRANSACTIONAL_ID_PREFIX: 'run-',
      TOPICS_CREATE: 'true',
    });
    expect(Object.keys(environment)).not.toContain('TOPIC_IMAGES');
    expect(Object.keys(environment)).not.toContain('GROUP_JOIN');
  });

  it('replicates topics on three brokers, unless the user has other factors', () => {
    expect(runEnvironment({ ...run, user: {}, brokerCount: 3 })).toMatchObject({
      REPLICATION_FACTOR: '3',
      MIN_INSYNC_REPLICAS: '2',
    });
    const user = { REPLICATION_FACTOR: '2' };
    expect(runEnvironment({ ...run, user, brokerCount: 3 })).toMatchObject(user);
    expect(runEnvironment({ ...run, user: {} })).not.toHaveProperty('REPLICATION_FACTOR');
  });

  it('gives every run a prefix of its own', () => {
    expect(createRunPrefix()).not.toBe(createRunPrefix());
  });
});
