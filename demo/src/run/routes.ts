/**
 * The two ways in, as outside clients have them: through the HTTP API, and straight to Kafka with nothing but a
 * producer and the schemas. Which one an image or a label takes is decided by its id.
 */
import { createHash } from 'node:crypto';
import type { SourceImage } from '../sources/api.ts';
import type { BatchingProducer } from './coalescer.ts';
import type { RunCodecs } from './codecs.ts';
import type { IngestClient, IngestResult } from './ingest-client.ts';
import { hashFraction } from './sampling.ts';

export interface Routes {
  /** Sends an image on its way; which id it will have can be known before, see `imageIdOf`. */
  sendImage(id: string, image: SourceImage, signal: AbortSignal): Promise<IngestResult & { http: boolean }>;
  sendLabel(id: string, label: string, signal: AbortSignal): Promise<void>;
}

export interface RoutesOptions {
  readonly http: IngestClient;
  readonly kafka: BatchingProducer;
  readonly codecs: Pick<RunCodecs, 'images' | 'labels'>;
  readonly topics: { readonly images: string; readonly labels: string };
  /** Named in every record as where it came from. */
  readonly source: string;
  readonly task: string;
  /** Milliseconds since the epoch. */
  readonly now?: () => number;
}

/** Ids are content-addressed: the SHA-256 of the file, in hex. */
export function imageIdOf({ bytes }: SourceImage): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** Half of the images, and half of the labels, go each way; an image whose facts are unknown goes through HTTP. */
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
