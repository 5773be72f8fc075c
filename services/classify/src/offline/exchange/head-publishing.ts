/**
 * Publishes a head outside the trainer. The trainer counts versions itself and the topic has no lock, so both
 * may take one version at once: this is detected afterwards, the overwritten record is restored, and the head
 * gets the next version.
 */
import { HeadwaterError } from '@headwater/errors';
import type { Head } from '@headwater/heads';
import type { LogProducer, LogRecord, OutgoingRecord } from '@headwater/log';
import type { HeadTrained } from '@headwater/schemas';
import { type ClusterClients, HeadCatalog } from '../../model-registry/head-catalog.ts';
import {
  describeHead,
  expiredVersionTombstones,
  type HeadContext,
  headRecord,
  type PublicationOptions,
} from '../../train/publishing/publication.ts';

/** Enough against the fastest trainer. */
const attempts = 10;

export interface PublishOptions {
  readonly clients: ClusterClients;
  readonly head: Head;
  readonly context: Omit<HeadContext, 'version'>;
  /** When the head was computed, in milliseconds since the epoch; default now. */
  readonly trainedAt?: number;
  /** Larger parameters go to the blob store. */
  readonly inlineBytes: number;
}

/** Resolves to the head under its version. Errors: log-unavailable, blob-store-unavailable, overloaded. */
export async function publishHead(options: PublishOptions): Promise<HeadTrained> {
  const producer = await options.clients.log.openProducer();
  try {
    for (let attempt = 0; attempt < attempts; attempt++) {
      const published = await tryPublish(options, producer);
      if (published !== undefined) return published;
    }
  } finally {
    await producer.close();
  }
  throw new HeadwaterError(
    'overloaded',
    'heads of this kind are being published concurrently; try again later',
  );
}

async function tryPublish(options: PublishOptions, producer: LogProducer): Promise<HeadTrained | undefined> {
  const { clients, head, context } = options;
  const { extractor, task } = context;
  const topic = clients.names.topics.heads;
  const before = await clients.log.admin.offsets(topic);
  const catalog = await HeadCatalog.read(clients);
  const version = catalog.table.highestVersion({ extractor, task, kind: head.kind }) + 1;
  const publication = publicationOptions(options, catalog);
  const described = await describeHead(head, { ...context, version }, publication);
  const trained = { ...described, trainedAt: options.trainedAt ?? described.trainedAt };
  const own = headRecord(trained, publication);
  await producer.send([own]);
  const rival = await findRival(clients, before, own);
  if (rival === undefined) {
    await producer.send(expiredVersionTombstones(trained, publication));
    return trained;
  }
  await producer.send([{ topic, key: rival.key, value: rival.value, partition: rival.partition }]);
  return undefined;
}

function publicationOptions(
  { clients, context, inlineBytes }: PublishOptions,
  catalog: HeadCatalog,
): PublicationOptions {
  return {
    topics: clients.names.topics,
    ...catalog.codecs,
    blobs: clients.blobs,
    table: catalog.table,
    extractors: [context.extractor],
    inlineBytes,
  };
}

/** The newest record of another publisher under the same key. */
async function findRival(
  { log }: ClusterClients,
  before: readonly { readonly high: bigint }[],
  own: OutgoingRecord,
): Promise<LogRecord | undefined> {
  let rival: LogRecord | undefined;
  for (const [partition, { high }] of (await log.admin.offsets(own.topic)).entries()) {
    const from = before[partition]?.high ?? 0n;
    if (from >= high) continue;
    for await (const records of log.read({ topic: own.topic, partition, from, to: high })) {
      for (const record of records) {
        const sameKey = record.key?.toString('utf8') === own.key;
        if (sameKey && record.value !== null && own.value !== null && !record.value.equals(own.value))
          rival = record;
      }
    }
  }
  return rival;
}
