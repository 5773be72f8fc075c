/**
 * Turns each record of `images` into a vector, a tombstone (for an erased image) or a dead letter with its reason.
 * A bad record does not fail or delay others; only errors that a retry may resolve are thrown.
 */
import { asHeadwaterError, HeadwaterError } from '@headwater/errors';
import type { Extractor } from '@headwater/extractors';
import type { DeadLetter, LogRecord, OutgoingRecord, ProcessorOutput } from '@headwater/log';
import { type Codec, type ImageReceived, imageIdOfKey, type VectorExtracted } from '@headwater/schemas';
import type { CrashJournal } from '../isolation/crash-journal.ts';
import type { Quarantine } from '../isolation/quarantine.ts';
import { decodeImageReceived, type ImageContents } from './received-image.ts';

export interface ExtractionOptions {
  readonly extractor: Extractor;
  readonly images: Codec<ImageReceived>;
  readonly vectors: Codec<VectorExtracted>;
  readonly contents: ImageContents;
  readonly journal: CrashJournal;
  readonly quarantine: Quarantine;
  /** The topic of the vectors. */
  readonly topic: string;
}

type ExtractionStage = 'decode' | 'extract' | 'encode';

type Outcome = { readonly output: OutgoingRecord } | { readonly deadLetter: DeadLetter };

/** Runs a stage, and adds its name to the context of errors. */
async function during<T>(stage: ExtractionStage, work: () => T | Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (thrown) {
    const { code, message, verdict, context, cause } = asHeadwaterError(thrown);
    throw new HeadwaterError(code, message, { verdict, cause, context: { ...context, stage } });
  }
}

export class Extraction {
  private readonly options: ExtractionOptions;

  constructor(options: ExtractionOptions) {
    this.options = options;
  }

  /**
   * Outputs in the order of the records.
   * Errors: those whose verdict is to retry or to stop; all others are dead letters among the outputs.
   */
  async process(records: readonly LogRecord[], signal: AbortSignal): Promise<ProcessorOutput> {
    const results = await this.options.journal.during(records, () =>
      Promise.allSettled(records.map((record) => this.handle(record, signal))),
    );
    const outputs: OutgoingRecord[] = [];
    const deadLetters: DeadLetter[] = [];
    for (const result of results) {
      if (result.status === 'rejected') throw result.reason;
      if ('output' in result.value) outputs.push(result.value.output);
      else deadLetters.push(result.value.deadLetter);
    }
    return { records: outputs, deadLetters };
  }

  private async handle(record: LogRecord, signal: AbortSignal): Promise<Outcome> {
    try {
      return { output: await this.transform(record, signal) };
    } catch (thrown) {
      const error = asHeadwaterError(thrown);
      if (signal.aborted || error.verdict !== 'dead-letter') throw error;
      return { deadLetter: { record, stage: String(error.context.stage), error } };
    }
  }

  private async transform(record: LogRecord, signal: AbortSignal): Promise<OutgoingRecord> {
    const { topic, images, vectors } = this.options;
    if (record.value === null) return await this.erase(record);
    const image = await during('decode', () => decodeImageReceived(record, images));
    const vector = await during('extract', () => this.extract(record, image, signal));
    const value = await during('encode', () => vectors.encode(this.describe(image, vector)));
    return { topic, key: image.id, value, cause: record };
  }

  private async erase(record: LogRecord): Promise<OutgoingRecord> {
    await during('decode', () => {
      const imageId = imageIdOfKey(record.key);
      return this.options.contents.erase(imageId, record.timestamp);
    });
    return { topic: this.options.topic, key: record.key, value: null, cause: record };
  }

  private extract(record: LogRecord, image: ImageReceived, signal: AbortSignal): Promise<Float32Array> {
    const { contents, quarantine, extractor } = this.options;
    const isolated = (bytes: Uint8Array) =>
      quarantine.run(
        record,
        () => extractor.extract({ image: bytes, attributes: image.attributes }, signal),
        signal,
      );
    return contents.with(record, image, isolated, signal);
  }

  private describe(image: ImageReceived, vector: Float32Array): VectorExtracted {
    const { name, version, digest } = this.options.extractor.description;
    return {
      imageId: image.id,
      extractor: { name, version, digest },
      vector,
      labels: image.labels,
      group: image.group,
      source: image.source,
      receivedAt: image.receivedAt,
      extractedAt: Date.now(),
    };
  }
}
