/** A link, or a whole chain of them, behind the interface that services know: bounded, closable, and held to its contract vector by vector. */
import { asHeadwaterError, HeadwaterError } from '@headwater/errors';
import { Admission } from './admission.ts';
import type { Extractor, ExtractorDescription } from './api.ts';
import type { ExtractorOptions } from './options.ts';
import { settingsOf } from './settings.ts';
import type { SourceRecord, Stage, Value } from './stages/api.ts';

/** What runs a link, and what is to be known about it. */
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

  /** Owns the link from now on. */
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
      // What a link did not foresee is the fault of this record, as far as anyone can tell; the next ones may be fine.
      throw asHeadwaterError(thrown, 'extractor-failed');
    }
  }

  private check(value: Value): Float32Array {
    const { dimensions } = this.description.contract;
    if (value.type !== 'vector')
      throw new HeadwaterError('record-unfit', `The record gives no vector, but: ${value.type}.`);
    if (value.vector.length !== dimensions) {
      const message = `The vector has ${value.vector.length} numbers, not ${dimensions}.`;
      throw new HeadwaterError('vector-wrong-dimensions', message, { context: { dimensions } });
    }
    if (value.vector.every(Number.isFinite)) return value.vector;
    const message = 'The vector holds NaN or infinity; missing-imputed fills in what is missing.';
    throw new HeadwaterError('vector-not-finite', message);
  }
}
