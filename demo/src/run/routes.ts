/**
 * The two routes of clients: the HTTP API, and Kafka directly with a producer and the schemas. The id of an image
 * or label decides its route.
 */
import type { IngestClient, IngestResult } from '@headwater/ingest/client';
import type { SourceImage } from '../sources/image-source.ts';
import type { BatchingProducer } from './batching-producer.ts';
import type { RunCodecs } from './codecs.ts';
import { hashFraction } from './hash-fraction.ts';

export interface Routes {
  /** Sends an image. `id`: see `imageIdOf`. */
  sendImage(id: string, image: SourceImage, signal: AbortSignal): Promise<IngestResult & { http: boolean }>;
  sendLabel(id: string, label: string, signal: AbortSignal): Promise<void>;
}

interface RoutesOptions {
  readonly http: IngestClient;
  readonly kafka: BatchingProducer;
  readonly codecs: Pick<RunCodecs, 'images' | 'labels'>;
  readonly topics: { readonly images: string; readonly labels: string };
  /** The `source` of every record. */
  readonly source: string;
  readonly task: string;
  /** Milliseconds since the epoch. */
  readonly now?: () => number;
}

/** Half of the images, and of the labels, take each route; an image without facts is sent over HTTP. */
export function createRoutes(options: RoutesOptions): Routes {
  const { http, kafka, codecs, topics, source, task, now = Date.now } = options;
  const annotator = `${source} (headwater start)`;
  return {
    async sendImage(id, image, signal) {
      const { bytes, facts } = image;
      if (facts === undefined || hashFraction('image route', id) < 0.5) {
        return { ...(await http.sendImage(bytes, source, signal)), http: true };
      }
      const value = codecs.images.encode({
        id,
        source,
        receivedAt: now(),
        ...facts,
        content: bytes,
        attributes: {},
        labels: {},
        group: null,
      });
      await kafka.send({ topic: topics.images, key: id, value });
      return { accepted: true, id, http: false };
    },
    async sendLabel(id, label, signal) {
      if (hashFraction('label route', id) < 0.5) {
        return http.putLabel({ imageId: id, task, label, annotator }, signal);
      }
      const value = codecs.labels.encode({ imageId: id, task, label, assignedAt: now(), annotator });
      return kafka.send({ topic: topics.labels, key: id, value });
    },
  };
}
