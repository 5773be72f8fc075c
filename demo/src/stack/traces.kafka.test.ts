/** The trace of an image whose context goes through the headers of records on a real broker. */
import { randomUUID } from 'node:crypto';
import { createKafkaLog } from '@headwater/log';
import { createLogger } from '@headwater/service-kit';
import { expect, inject, it } from 'vitest';
import { eventually, extractor, picture, sendImage, startThreeServices } from './testing/three-services.ts';
import { pathTo, startTraceReceiver } from './testing/trace-receiver.ts';

it('traces an image through Kafka from its HTTP request to its prediction', async () => {
  await using receiver = await startTraceReceiver();
  const log = createKafkaLog({ brokers: inject('brokers') }, createLogger({ name: 'test', level: 'error' }));
  const prefix = `traces-${randomUUID()}.`;
  try {
    await using services = await startThreeServices({
      log,
      prefix,
      environment: { OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url },
    });
    expect(await sendImage(services, 'cam-1/7.png', picture(0, 1))).toBe(200);
    const last = await eventually(() =>
      receiver.spans.find(({ name }) => name === `process ${prefix}predictions`),
    );
    await services.stop();
    expect(pathTo(receiver.spans, last)).toEqual([
      'headwater-ingest: POST /v1/images',
      `headwater-ingest: send ${prefix}images`,
      `headwater-extract: process ${prefix}images`,
      `headwater-extract: send ${prefix}vectors.${extractor}`,
      `headwater-classify: process ${prefix}vectors.${extractor}`,
      `headwater-classify: send ${prefix}predictions`,
      `headwater-ingest: process ${prefix}predictions`,
    ]);
    expect(last.attributes).toMatchObject({
      'messaging.system': 'kafka',
      'messaging.kafka.offset': expect.any(Number),
    });
  } finally {
    await log.close();
  }
});
