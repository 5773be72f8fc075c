/** Metrics of the intake, for HTTP and folders alike. */
import { asHeadwaterError } from '@headwater/errors';
import type { Metrics } from '@headwater/service-kit';
import type { LabelWriter } from '../labels/label-writer.ts';
import type { Intake } from './intake.ts';

export interface Sampled {
  readonly inFlightBytes: number;
  readonly inFlightRequests: number;
  readonly waitingRequests: number;
  readonly trackedImages: number;
}

const SAMPLE_EVERY_MS = 1_000;

/** Samples the use of the limits once a second; returns a function that stops it. */
export function sampleLoad(metrics: Metrics, read: () => Sampled): () => void {
  const bytes = metrics.gauge('headwater_ingest_in_flight_bytes', 'Bodies in memory.');
  const requests = metrics.gauge('headwater_ingest_in_flight_requests', 'Requests in progress.');
  const waiting = metrics.gauge('headwater_ingest_waiting_requests', 'Requests that wait for a prediction.');
  const tracked = metrics.gauge(
    'headwater_ingest_tracked_images',
    'Images that GET /v1/images/{id} remembers.',
  );
  const sample = () => {
    const load = read();
    bytes.set(load.inFlightBytes);
    requests.set(load.inFlightRequests);
    waiting.set(load.waitingRequests);
    tracked.set(load.trackedImages);
  };
  sample();
  const timer = setInterval(sample, SAMPLE_EVERY_MS).unref();
  return () => clearInterval(timer);
}

/** `result` is `accepted` or the code of the error. */
export function countImages(intake: Intake, metrics: Metrics): Intake {
  const images = metrics.counter('headwater_ingest_images_total', 'Received images.', ['result']);
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

export function countLabels(labelWriter: LabelWriter, metrics: Metrics): LabelWriter {
  const labels = metrics.counter('headwater_ingest_labels_total', 'Labels written to the log.');
  return {
    ...labelWriter,
    async send(batch) {
      await labelWriter.send(batch);
      labels.add(batch.length);
    },
  };
}
