/** The images on Kafka as a sample, up to the end of the topic at the start. Erased images are left out. */
import { HeadwaterError } from '@headwater/errors';
import type { Sample, SampleRecord } from '@headwater/extractor-pipelines';
import type { SourceRecord } from '@headwater/extractors';
import type { LogRecord } from '@headwater/log';
import { openCodec } from '@headwater/schemas';
import type { Cluster } from '../cluster-connection.ts';

/** Maximum erased images that are held in memory. */
const maxErasedImages = 1_000_000;

interface Range {
  readonly partition: number;
  readonly low: bigint;
  readonly high: bigint;
}

async function rangesOf(topic: string, { clients }: Cluster): Promise<Range[]> {
  const { admin } = clients.log;
  if ((await admin.partitions(topic)) === undefined) {
    throw new HeadwaterError('topic-missing', `topic ${topic} does not exist`);
  }
  const offsets = await admin.offsets(topic);
  return offsets.map(({ low, high }, partition) => ({ partition, low, high }));
}

async function* readAll(topic: string, ranges: readonly Range[], { clients }: Cluster, signal: AbortSignal) {
  for (const { partition, low, high } of ranges) {
    if (low >= high) continue;
    for await (const records of clients.log.read({ topic, partition, from: low, to: high })) {
      signal.throwIfAborted();
      yield* records;
    }
  }
}

/** Offset of the last tombstone by image id; the records of an id are in one partition. */
async function readErasureOffsets(records: AsyncIterable<LogRecord>): Promise<Map<string, bigint>> {
  const erased = new Map<string, bigint>();
  for await (const { key, value, offset } of records) {
    if (value !== null || key === null) continue;
    erased.set(key.toString('utf8'), BigInt(offset));
    if (erased.size > maxErasedImages) {
      throw new HeadwaterError('limit-exceeded', `more than ${maxErasedImages} images were erased`, {
        verdict: 'stop',
      });
    }
  }
  return erased;
}

export async function topicSample(topic: string, cluster: Cluster): Promise<Sample> {
  const ranges = await rangesOf(topic, cluster);
  const { schemaIds, blobs } = cluster.clients;
  const { MAX_IMAGE_BYTES: maxBytes } = cluster.config;
  const codec = await openCodec(schemaIds, 'ImageReceived', topic);
  async function read(record: LogRecord, signal: AbortSignal): Promise<SourceRecord> {
    const { content, attributes } = await codec.decode(record.value ?? Buffer.alloc(0));
    if (content.byteLength > maxBytes) {
      throw new HeadwaterError('image-too-large', 'the image has more bytes than MAX_IMAGE_BYTES allows');
    }
    const image = content instanceof Uint8Array ? content : await blobs.get(content, signal);
    return { image, attributes };
  }
  return {
    name: topic,
    size: Number(ranges.reduce((sum, { low, high }) => sum + (high - low), 0n)),
    async *records(signal): AsyncGenerator<SampleRecord> {
      const erased = await readErasureOffsets(readAll(topic, ranges, cluster, signal));
      for await (const record of readAll(topic, ranges, cluster, signal)) {
        const until = erased.get(record.key?.toString('utf8') ?? '');
        if (record.value === null || (until !== undefined && BigInt(record.offset) < until)) continue;
        const name = `${topic}/${record.partition}/${record.offset}`;
        yield { name, read: (aborted) => read(record, aborted) };
      }
    },
  };
}
