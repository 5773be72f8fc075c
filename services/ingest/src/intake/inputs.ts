/** Opens the intake of images and the label writer, which share one sender. */
import { openCodec } from '@headwater/schemas';
import type { ServiceDependencies } from '@headwater/service-kit';
import type { IngestConfig } from '../environment.ts';
import { createLabelWriter, type LabelWriter } from '../labels/label-writer.ts';
import { createClock } from './clock.ts';
import type { ImageLimits } from './inspection.ts';
import { createIntake, type Intake } from './intake.ts';
import { logImages, logLabels } from './intake-log.ts';
import { countImages, countLabels } from './intake-metrics.ts';
import { createSender, type Sender } from './sender.ts';

type Dependencies = ServiceDependencies;

export const limitsOf = (config: IngestConfig): ImageLimits => ({
  maxBytes: config.MAX_IMAGE_BYTES,
  maxPixels: config.MAX_IMAGE_PIXELS,
});

export async function openSender(
  config: IngestConfig,
  { log, logger, metrics }: Dependencies,
): Promise<Sender> {
  const sent = metrics.histogram(
    'headwater_ingest_batch_records',
    'Records in one send to the log.',
    [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000],
  );
  const failures = metrics.counter('headwater_ingest_send_failures_total', 'Failed sends.', ['code']);
  const producer = await log.openProducer();
  return createSender({
    producer,
    maxPendingBytes: config.MAX_PENDING_BYTES,
    timeoutMs: config.SEND_TIMEOUT,
    onBatch: ({ records, error }) => {
      if (error) {
        failures.add(1, { code: error.code });
        logger.warn({ error }, 'producing records failed');
      } else sent.observe(records);
    },
  });
}

export async function openInputs(
  config: IngestConfig,
  { schemaIds, blobs, names, metrics, logger }: Dependencies,
  sender: Sender,
): Promise<{ readonly intake: Intake; readonly labelWriter: LabelWriter }> {
  const { images, labels } = names.topics;
  const clock = createClock();
  const intake = createIntake({
    topic: images,
    codec: await openCodec(schemaIds, 'ImageReceived', images),
    sender,
    blobs,
    clock,
    limits: limitsOf(config),
    inlineLimitBytes: Math.min(config.INLINE_LIMIT_BYTES, Math.floor(config.MAX_MESSAGE_BYTES / 2)),
  });
  const labelWriter = createLabelWriter({
    topic: labels,
    codec: await openCodec(schemaIds, 'LabelAssigned', labels),
    sender,
    clock,
    maxSkewMs: config.MAX_CLOCK_SKEW,
  });
  return {
    intake: logImages(countImages(intake, metrics), logger),
    labelWriter: logLabels(countLabels(labelWriter, metrics), logger),
  };
}
