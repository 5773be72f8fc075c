/** The extract service: opens the extractor, reads the partitions of `images`, and writes vectors exactly once. */
import { join } from 'node:path';
import { openExtractor } from '@headwater/extractor-pipelines';
import { type Extractor, isolateDecoding } from '@headwater/extractors';
import type { Logger, PartitionGroup, PartitionProcessor } from '@headwater/log';
import { openCodec, openVectorCodec } from '@headwater/schemas';
import {
  prepareTopics,
  type Service,
  type ServiceDependencies,
  type StartService,
  stopBudget,
  warnOfReplication,
} from '@headwater/service-kit';
import type { ExtractConfig } from './environment.ts';
import { BlobReads } from './extraction/blob-reads.ts';
import { Extraction } from './extraction/extraction.ts';
import { ExtractMetrics } from './extraction/extraction-metrics.ts';
import { ImageContents } from './extraction/received-image.ts';
import { CrashJournal } from './isolation/crash-journal.ts';
import { Quarantine } from './isolation/quarantine.ts';
import { extractSizes, reportSizes } from './sizes.ts';
import { extractTopics } from './topics.ts';

export function openConfigured(config: ExtractConfig, metrics: ExtractMetrics): Promise<Extractor> {
  return openExtractor(config.EXTRACTOR, {
    limits: { maxBytes: config.MAX_IMAGE_BYTES, maxPixels: config.MAX_IMAGE_PIXELS },
    batchSize: config.BATCH_SIZE,
    batchLingerMs: config.BATCH_LINGER,
    maxPending: config.MAX_PENDING_IMAGES,
    timeoutMs: config.ENGINE_TIMEOUT,
    onBatch: metrics.ran,
    provider: config.ENGINE_PROVIDER,
    threads: extractSizes(config).engineThreads,
  });
}

/** Memory of a decoder process: the runtime, and a few copies of the largest image. */
const decoderBytes = { base: 512 * 1024 * 1024, perPixel: 8 };

/** Undefined where this process decodes images. */
export function openDecoders(config: ExtractConfig, metrics: ExtractMetrics): { close(): void } | undefined {
  const { decoders: processes } = extractSizes(config);
  if (processes === 0) return undefined;
  const maxBytes = decoderBytes.base + decoderBytes.perPixel * config.MAX_IMAGE_PIXELS;
  return isolateDecoding({ processes, maxBytes, died: metrics.decoderCrashed });
}

/** Closes the decoders after the extractor that uses them. */
export function withDecoders(extractor: Extractor, decoders: { close(): void } | undefined): Extractor {
  const close = extractor.close.bind(extractor);
  extractor.close = () => close().finally(() => decoders?.close());
  return extractor;
}

export async function openExtraction(
  config: ExtractConfig,
  { schemaIds, names, blobs }: Pick<ServiceDependencies, 'schemaIds' | 'names' | 'blobs'>,
  extractor: Extractor,
  journal: CrashJournal,
  metrics: ExtractMetrics,
): Promise<Extraction> {
  const { MAX_IMAGE_BYTES: maxBytes, BLOB_MISSING_AFTER: missingAfterMs } = config;
  const reads = new BlobReads({ blobs, missingAfterMs, failed: metrics.blobFailed });
  const topic = names.topics.vectors(extractor.description.id);
  return new Extraction({
    extractor,
    images: await openCodec(schemaIds, 'ImageReceived', names.topics.images),
    vectors: await openVectorCodec(schemaIds, extractor.description.contract, topic),
    contents: new ImageContents(blobs, reads, maxBytes),
    journal,
    quarantine: new Quarantine(journal, config.MAX_PENDING_IMAGES),
    topic,
  });
}

function createProcessor(extraction: Extraction, metrics: ExtractMetrics): PartitionProcessor {
  return {
    async process(records, signal) {
      const start = performance.now();
      const output = await extraction.process(records, signal);
      metrics.processed((performance.now() - start) / 1000);
      return { ...output, committed: () => metrics.committed(output) };
    },
    close: () => undefined,
  };
}

async function openPartitionGroup(
  config: ExtractConfig,
  { log, names }: ServiceDependencies,
  extraction: Extraction,
  group: string,
  metrics: ExtractMetrics,
): Promise<PartitionGroup> {
  const { images, deadLetters } = names.topics;
  const partitionGroup = await log.openPartitionGroup({
    group,
    topics: [images],
    open: async () => createProcessor(extraction, metrics),
    transactionalId: (partition) => names.transactionalId(group, partition),
    deadLetterTopic: deadLetters,
    batch: { maxRecords: config.RECORDS_PER_COMMIT, lingerMs: config.BATCH_LINGER },
    // The engine processes a batch while the one before is committed.
    inFlight: 2,
    observer: metrics.observer(images),
  });
  await partitionGroup.ready;
  return partitionGroup;
}

/** Closed when the partitions have ended, or could not be opened. */
interface OpenParts {
  readonly extractor: Extractor;
  readonly journal: CrashJournal;
}

async function closeParts({ extractor, journal }: OpenParts): Promise<void> {
  await extractor.close();
  journal.close();
}

export function openJournal(
  { DATA_DIR }: ExtractConfig,
  { logger }: Pick<ServiceDependencies, 'logger'>,
  group: string,
) {
  const journal = new CrashJournal(join(DATA_DIR, 'extract', encodeURIComponent(group)));
  if (!journal.isKept) {
    const message =
      'cannot write to DATA_DIR: an image that crashes the process will be retried without limit';
    logger.warn({ folder: DATA_DIR }, message);
  }
  if (journal.size > 0) {
    logger.warn({ images: journal.size }, 'retrying in-flight images one at a time');
  }
  return journal;
}

type SetReady = ReturnType<ServiceDependencies['health']['part']>;

/** Share of the service's stop time; the rest is for the engine call in progress. */
const partitionsShare = 0.8;

/** The partitions stop first: records in flight still need the extractor. */
function serviceOf(
  config: ExtractConfig,
  partitionGroup: PartitionGroup,
  parts: OpenParts,
  setReady: SetReady,
): Service {
  const graceMs = partitionsShare * stopBudget(config.STOP_GRACE).service;
  setReady(true);
  const stopped = partitionGroup.stopped.finally(() => {
    setReady(false, 'stopped');
    return closeParts(parts);
  });
  stopped.catch(() => undefined);
  return {
    name: 'extract',
    stopped,
    async stop() {
      parts.journal.close();
      await partitionGroup.close({ graceMs });
      await stopped.catch(() => undefined);
    },
    abandon: () => parts.journal.close(),
  };
}

function reportOpened(
  { description, engine, notes = [] }: Extractor,
  metrics: ExtractMetrics,
  logger: Logger,
): void {
  const { id, digest, contract } = description;
  metrics.opened(id, digest, engine);
  const fields = { extractor: id, digest, dimensions: contract.dimensions, engine };
  logger.info(fields, 'extractor opened');
  for (const note of notes) logger.warn({ extractor: id, note }, 'extractor notice');
}

/** Closes the extractor and the journal after an error. */
async function startPartitionGroup(
  config: ExtractConfig,
  dependencies: ServiceDependencies,
  extractor: Extractor,
  metrics: ExtractMetrics,
  setReady: SetReady,
): Promise<Service> {
  const { log, logger, names } = dependencies;
  const { id } = extractor.description;
  const group = names.groups.extract(id);
  const journal = openJournal(config, dependencies, group);
  try {
    const topics = extractTopics(config, names, id);
    await prepareTopics(log.admin, topics, config.TOPICS_CREATE);
    await warnOfReplication(
      log.admin,
      topics.map(({ name }) => name),
      logger,
    );
    reportOpened(extractor, metrics, logger);
    const extraction = await openExtraction(config, dependencies, extractor, journal, metrics);
    const partitionGroup = await openPartitionGroup(config, dependencies, extraction, group, metrics);
    return serviceOf(config, partitionGroup, { extractor, journal }, setReady);
  } catch (error) {
    await closeParts({ extractor, journal });
    throw error;
  }
}

/**
 * Starts extract; resolves when its partitions are assigned. The extractor is opened first: its id names the topic
 * and the group.
 * Errors: extractor-unknown, config-invalid, model-invalid, topic-missing, topic-mismatch, schema-incompatible, log-unavailable.
 */
export const startExtract: StartService<ExtractConfig> = async (config, dependencies) => {
  const setReady = dependencies.health.part('extraction');
  const metrics = new ExtractMetrics(dependencies.metrics, dependencies.logger);
  const extractor = await openConfigured(config, metrics);
  reportSizes(config, dependencies.logger);
  const decoders = openDecoders(config, metrics);
  return await startPartitionGroup(
    config,
    dependencies,
    withDecoders(extractor, decoders),
    metrics,
    setReady,
  );
};
