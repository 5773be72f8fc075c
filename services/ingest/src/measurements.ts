/** What came in, counted where every way in passes: HTTP and folders alike. */
import { asHeadwaterError } from '@headwater/errors';
import type { Metrics } from '@headwater/stream';
import type { Intake } from './intake.ts';
import type { LabelSink } from './labels.ts';

/** `result` is `accepted` or the code of the error. */
export function countImages(intake: Intake, metrics: Metrics): Intake {
  const images = metrics.counter('headwater_ingest_images_total', 'Images that came in.', ['result']);
  const bytes = metrics.counter('headwater_ingest_image_bytes_total', 'Bytes of the accepted images.');
  return {
    ...intake,
    async accept(input, announce) {
      try {
        const image = await intake.accept(input, announce);
        images.add(1, { result: 'accepted' });
        bytes.add(image.byteLength);
        return image;
      } catch (error) {
        images.add(1, { result: asHeadwaterError(error).code });
        throw error;
      }
    },
  };
}

export function countLabels(sink: LabelSink, metrics: Metrics): LabelSink {
  const labels = metrics.counter('headwater_ingest_labels_total', 'Labels that are safe in the log.');
  return {
    ...sink,
    async send(batch) {
      await sink.send(batch);
      labels.add(batch.length);
    },
  };
}
