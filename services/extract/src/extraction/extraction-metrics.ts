/** Metrics and log lines of extract. Counters count committed records, not attempts. */
import {
  deadLetterFields,
  imageFields,
  type Logger,
  logsSteps,
  type PartitionObserver,
  type ProcessorOutput,
} from '@headwater/log';
import type { Metrics } from '@headwater/service-kit';
import type { BlobFailure } from './blob-reads.ts';

const secondsBuckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];
const imagesBuckets = [1, 2, 4, 8, 16, 32, 64, 128, 256];

export class ExtractMetrics {
  private readonly logger: Logger;
  private readonly metrics;

  constructor(metrics: Metrics, logger: Logger) {
    this.logger = logger;
    this.metrics = {
      records: metrics.counter('headwater_extract_records_total', 'Committed records of images, by outcome', [
        'outcome',
      ]),
      deadLetters: metrics.counter('headwater_extract_dead_letters_total', 'Dead letters, by error code', [
        'code',
      ]),
      retries: metrics.counter('headwater_extract_retries_total', 'Retried batches, by error code', ['code']),
      blobFailures: metrics.counter(
        'headwater_extract_blob_failures_total',
        'Failed reads of blobs of images, by error code',
        ['code'],
      ),
      decoderDeaths: metrics.counter(
        'headwater_extract_decoder_crashes_total',
        'Decoder processes that crashed on an image; each image is tried twice',
      ),
      seconds: metrics.histogram(
        'headwater_extract_seconds',
        'Seconds of a stage: engine (a batch of images), process (a batch of records), commit (without waiting for its turn)',
        secondsBuckets,
        ['stage'],
      ),
      batch: metrics.histogram(
        'headwater_extract_batch_images',
        'Images in one call of the engine',
        imagesBuckets,
      ),
      lag: metrics.gauge('headwater_extract_lag_records', 'Records behind the end of the log', [
        'topic',
        'partition',
      ]),
      stalled: metrics.gauge(
        'headwater_extract_partition_stalled_seconds',
        'Time since the last commit of a partition with lag; 0 without lag. Alert when it reaches minutes',
        ['partition'],
      ),
      assigned: metrics.gauge('headwater_extract_partitions', 'Assigned partitions'),
      rebalances: metrics.counter(
        'headwater_extract_rebalances_total',
        'Assignments of partitions to this process, one for each rebalance',
      ),
      engine: metrics.gauge(
        'headwater_extract_engine_info',
        'The engine that is in use, and whether it computes on a GPU; always 1',
        ['engine', 'device'],
      ),
      info: metrics.gauge('headwater_extractor_info', 'The running extractor; always 1', [
        'extractor',
        'digest',
        'engine',
      ]),
    };
  }

  opened(extractor: string, digest: string, engine: string): void {
    this.metrics.info.set(1, { extractor, digest, engine });
    this.metrics.engine.set(1, { engine, device: deviceOf(engine) });
  }

  /** Counts a failed read of a blob; it is retried, or becomes a dead letter. */
  readonly blobFailed = ({ image: imageId, uri: imageUri, error, isFirst }: BlobFailure): void => {
    this.metrics.blobFailures.add(1, { code: error.code });
    const fields = { imageId, imageUri, code: error.code, reason: error.message };
    if (isFirst) this.logger.warn(fields, 'cannot read the blob of an image');
  };

  /** Counts a crash of a decoder process; its image is retried once. */
  readonly decoderCrashed = (how: string): void => {
    this.metrics.decoderDeaths.add(1);
    this.logger.warn({ how }, 'decoder process crashed on an image');
  };

  /** Records a call of the engine. */
  readonly ran = (images: number, seconds: number): void => {
    this.metrics.batch.observe(images);
    this.metrics.seconds.observe(seconds, { stage: 'engine' });
  };

  /** Records a processed batch, before its commit. */
  processed(seconds: number): void {
    this.metrics.seconds.observe(seconds, { stage: 'process' });
  }

  committed({ records, deadLetters }: ProcessorOutput): void {
    const erased = records.filter(({ value }) => value === null).length;
    const outcomes = {
      vector: records.length - erased,
      tombstone: erased,
      dead_letter: deadLetters.length,
    };
    for (const [outcome, count] of Object.entries(outcomes)) this.metrics.records.add(count, { outcome });
    for (const deadLetter of deadLetters) {
      this.metrics.deadLetters.add(1, { code: deadLetter.error.code });
      this.logger.warn(deadLetterFields(deadLetter), 'record sent to the dead-letter topic');
    }
    if (logsSteps(this.logger)) this.logExtracted(records);
  }

  private logExtracted(records: ProcessorOutput['records']): void {
    for (const { value, cause } of records) {
      if (cause === undefined) continue;
      this.logger.debug(imageFields(cause), value === null ? 'image erased' : 'image extracted');
    }
  }

  /** Observes partitions of the input `topic`. */
  observer(topic: string): PartitionObserver {
    const { assigned, lag, stalled, seconds, retries } = this.metrics;
    return {
      assigned: (indexes) => {
        assigned.set(indexes.length);
        this.metrics.rebalances.add(1);
        this.logger.info({ topic, partitions: indexes.join() }, 'partitions assigned');
      },
      revoked: (indexes) => {
        for (const partition of indexes.map(String)) {
          lag.remove({ topic, partition });
          stalled.remove({ partition });
        }
      },
      committed: (_, batch) => seconds.observe(batch.seconds, { stage: 'commit' }),
      retried: (partition, error) => {
        retries.add(1, { code: error.code });
        const fields = { code: error.code, partition, reason: error.message };
        this.logger.warn(fields, 'retrying batch');
      },
      lag: (partition, behind) => {
        for (const [name, records] of behind) lag.set(records, { topic: name, partition: String(partition) });
      },
      stalled: (partition, time) => stalled.set(time, { partition: String(partition) }),
    };
  }
}

/** Engines name their device: `onnxruntime 1.30.0 cuda, 2 threads`, `tfjs 4.22.0 tensorflow gpu`. */
function deviceOf(engine: string): 'gpu' | 'cpu' {
  return /\b(cuda|tensorrt|gpu)\b/i.test(engine) ? 'gpu' : 'cpu';
}
