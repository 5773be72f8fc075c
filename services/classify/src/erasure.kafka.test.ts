import { createKafkaLog, createNames } from '@headwater/log';
import { createLogger } from '@headwater/service-kit';
import { inject, it } from 'vitest';
import { ClassifyFixture } from './testing/classify-fixture.ts';
import { eraseEndToEnd } from './testing/erasure.ts';

it('leaves nothing of an erased image on Kafka, and no head that held it', async () => {
  const logger = createLogger({ name: 'test', level: 'silent' });
  const log = createKafkaLog({ brokers: inject('brokers') }, logger);
  const prefix = `erasure-${process.pid}-${Date.now()}.`;
  const fixture = await ClassifyFixture.open({
    log,
    names: createNames({ topicPrefix: prefix, groupPrefix: prefix }),
  });
  try {
    await eraseEndToEnd(fixture, { HEAD_INLINE_BYTES: '0' });
  } finally {
    await fixture.close();
    await log.close();
  }
});
