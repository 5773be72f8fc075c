/** One debug line for each step of an image or label through ingest. */
import { type Logger, logsSteps } from '@headwater/log';
import { currentTraceFields } from '@headwater/service-kit';
import type { LabelWriter } from '../labels/label-writer.ts';
import type { Intake } from './intake.ts';

export function logImages(intake: Intake, logger: Logger): Intake {
  if (!logsSteps(logger)) return intake;
  return {
    ...intake,
    async accept(input, announce) {
      const image = await intake.accept(input, (announced) => {
        const { id: imageId, byteLength, mediaType, receivedAt } = announced;
        logger.debug(
          { imageId, byteLength, mediaType, receivedAt, ...currentTraceFields() },
          'image received',
        );
        announce?.(announced);
      });
      const fields = { imageId: image.id, receivedAt: image.receivedAt, ...currentTraceFields() };
      logger.debug(fields, 'image published');
      return image;
    },
    async erase(imageId) {
      await intake.erase(imageId);
      logger.debug({ imageId, ...currentTraceFields() }, 'erasure published');
    },
  };
}

export function logLabels(labelWriter: LabelWriter, logger: Logger): LabelWriter {
  if (!logsSteps(logger)) return labelWriter;
  return {
    ...labelWriter,
    async send(labels) {
      await labelWriter.send(labels);
      for (const { imageId, task, label } of labels) {
        const fields = { imageId, task, isRetraction: label === null, ...currentTraceFields() };
        logger.debug(fields, 'label published');
      }
    },
  };
}
