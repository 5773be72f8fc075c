import { loadConfig } from '@headwater/service-kit';
import { describe, expect, it } from 'vitest';
import { extractEnvironment } from './environment.ts';

describe('the environment of extract', () => {
  it('needs nothing to be set', () => {
    expect(loadConfig(extractEnvironment, {})).toMatchObject({
      EXTRACTOR: 'efficientnet-lite0.v1',
      BATCH_SIZE: 16,
      MAX_IMAGE_BYTES: 20_971_520,
      MAX_IMAGE_PIXELS: 50_000_000,
    });
  });

  it('reports all invalid variables at once, with their valid values', () => {
    const environment = {
      EXTRACTOR: 'resnet.v1',
      BATCH_SIZE: '0',
      ENGINE_THREADS: 'two',
      MAX_IMAGE_BYTES: '20 bananas',
      PARTITIONS: '-1',
    };
    const attempt = () => loadConfig(extractEnvironment, environment);
    for (const name of Object.keys(environment)) expect(attempt).toThrow(name);
    expect(attempt).toThrow('lenet-digits.v1, efficientnet-lite0.v1');
  });
});
