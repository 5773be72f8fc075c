import { expect, it } from 'vitest';
import { openBroker } from './broker.ts';

it('rejects a number of brokers for a cluster of the user', async () => {
  const environment = { KAFKA_BROKERS: 'a:1, b:2' };
  const options = { environment, dataDir: '/nowhere', allowMemory: true, say: () => undefined };
  expect(await openBroker(options)).toMatchObject({ owner: 'user', brokers: ['a:1', 'b:2'] });
  await expect(openBroker({ ...options, count: 3 })).rejects.toMatchObject({
    code: 'config-invalid',
    message: expect.stringContaining('unset KAFKA_BROKERS'),
  });
});
