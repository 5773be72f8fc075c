/**
 * Runs a step, or a whole chain, as an extractor: with bounded concurrency and `close`, and every vector checked against its
 * contract.
 */
import { asHeadwaterError, HeadwaterError } from '@headwater/errors';
import { Admission } from './admission.ts';
import type { Extractor, ExtractorDescription } from './api.ts';
import type { ExtractorOptions } from './options.ts';
import { settingsOf } from './settings.ts';
import type { SourceRecord, Stage, Value } from './stages/api.ts';

/** A step with its engine description and its notices. */
interface Runner {
  readonly engine: string;
  readonly notes?: readonly string[];
}

export class StageExtractor implements Extractor {
  readonly description: ExtractorDescription;
  readonly engine: string;
  readonly notes: readonly string[];
  private readonly stage: Stage;
  private readonly admission: Admission;

  /** Takes ownership of the step. */
  constructor(
    description: ExtractorDescription,
    stage: Stage,
    { engine, notes = [] }: Runner,
    options: ExtractorOptions = {},
  ) {
    this.description = description;
    this.engine = engine;
    this.notes = notes;
    this.stage = stage;
    this.admission = new Admission(settingsOf(options).maxPending, async () => await stage.close?.());
  }

  extract(record: SourceRecord, signal?: AbortSignal): Promise<Float32Array> {
    return this.admission.admit(() => this.run(record, signal), signal);
  }

  close(): Promise<void> {
    return this.admission.close();
  }

  private async run(record: SourceRecord, signal?: AbortSignal): Promise<Float32Array> {
    try {
      return this.check(await this.stage.apply({ type: 'record', record }, signal));
    } catch (thrown) {
      signal?.throwIfAborted();
      // An unexpected error counts as a fault of this record, since later records may succeed.
      throw asHeadwaterError(thrown, 'extractor-failed');
    }
  }

  private check(value: Value): Float32Array {
    const { dimensions } = this.description.contract;
    if (value.type !== 'vector')
      throw new HeadwaterError('record-unfit', `the record gives ${value.type}, not a vector`);
    if (value.vector.length !== dimensions) {
      const message = `the vector has ${value.vector.length} numbers, not ${dimensions}`;
      throw new HeadwaterError('vector-wrong-dimensions', message, { context: { dimensions } });
    }
    if (value.vector.every(Number.isFinite)) return value.vector;
    const message = 'the vector contains NaN or infinity; missing-imputed replaces missing numbers';
    throw new HeadwaterError('vector-not-finite', message);
  }
}
