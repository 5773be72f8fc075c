import { loadConfig } from '@headwater/service-kit';
import { expect, it } from 'vitest';
import { classifyEnvironment } from './environment.ts';

const brokers = { KAFKA_BROKERS: 'localhost:9092' };

it('takes no task whose name the store could not keep', () => {
  const { TASKS } = loadConfig(classifyEnvironment, { ...brokers, TASKS: `animal,${'ü'.repeat(127)}` });
  expect(TASKS).toHaveLength(2);
  expect(() => loadConfig(classifyEnvironment, { ...brokers, TASKS: `animal,${'ü'.repeat(128)}` })).toThrow(
    /TASKS.*up to 255 bytes of UTF-8/,
  );
});
