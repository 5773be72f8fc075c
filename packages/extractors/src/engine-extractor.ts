/**
 * Runs an extractor on an engine: callers wait for admission, their images are decoded in parallel, share batches of engine
 * calls, and become vectors. Every stage is bounded: a slow engine makes the callers wait and memory does not grow.
 */
import { Admission } from './admission.ts';
import type { Extractor, ExtractorDescription } from './api.ts';
import { Batcher } from './batcher.ts';
import type { Engine } from './engines/api.ts';
import { openOnnxEngine } from './engines/onnx.ts';
import { conformPixels, decodeImage, type Pixels } from './images/decoder.ts';
import type { ExtractorOptions, ImageLimits } from './options.ts';
import { concurrentDecodes } from './processors.ts';
import { Semaphore } from './semaphore.ts';
import { settingsOf } from './settings.ts';
import type { SourceRecord } from './stages/api.ts';
import {
  channelsOf,
  describe,
  type ExtractorDefinition,
  inputBytes,
  type Preprocessing,
} from './table/definition.ts';
import { readWeights } from './weights.ts';

type Decode = (preprocessing: Preprocessing, limits: ImageLimits) => Promise<Uint8Array>;

/** The stages in front of an open engine. Takes ownership of the engine. */
export class EngineExtractor implements Extractor {
  readonly description: ExtractorDescription;
  readonly engine: string;
  readonly notes: readonly string[];
  private readonly definition: ExtractorDefinition;
  private readonly limits: ImageLimits;
  private readonly batcher: Batcher;
  private readonly admission: Admission;
  private readonly decoders = new Semaphore(concurrentDecodes());
  /** Number of images on their way to the batcher. */
  private arriving = 0;

  constructor(definition: ExtractorDefinition, engine: Engine, options: ExtractorOptions = {}) {
    const settings = settingsOf(options);
    this.definition = definition;
    this.description = describe(definition);
    this.engine = engine.name;
    this.notes = engine.notes ?? [];
    this.limits = settings.limits;
    this.admission = new Admission(settings.maxPending, () => engine.close());
    this.batcher = new Batcher(engine, {
      batchSize: settings.batchSize,
      lingerMs: settings.batchLingerMs,
      imageBytes: inputBytes(definition.preprocessing),
      dimensions: definition.contract.dimensions,
      ...(definition.notFinite && { notFinite: definition.notFinite }),
      hasArrivals: () => this.arriving > 0,
      ...(settings.onBatch && { ran: settings.onBatch }),
    });
  }

  extract({ image }: SourceRecord, signal?: AbortSignal): Promise<Float32Array> {
    return this.vectorOf((preprocessing, limits) => decodeImage(image, preprocessing, limits), signal);
  }

  /** Same as `extract`, for a decoded picture. */
  extractPixels(pixels: Pixels, signal?: AbortSignal): Promise<Float32Array> {
    return this.vectorOf((preprocessing) => conformPixels(pixels, preprocessing), signal);
  }

  close(): Promise<void> {
    return this.admission.close();
  }

  private vectorOf(decode: Decode, signal?: AbortSignal): Promise<Float32Array> {
    return this.admission.admit(
      async () => this.batcher.add(await this.prepare(decode, signal), signal),
      signal,
    );
  }

  private async prepare(decode: Decode, signal?: AbortSignal): Promise<Uint8Array> {
    this.arriving += 1;
    try {
      await this.decoders.enter(signal);
      try {
        return await decode(this.definition.preprocessing, this.limits);
      } finally {
        this.decoders.leave();
      }
    } catch (error) {
      // Other images may be waiting for this one, which will not arrive.
      setImmediate(() => this.batcher.flushIfDue());
      throw error;
    } finally {
      this.arriving -= 1;
    }
  }
}

/** Reads and verifies a net's weights and starts its engine. Errors: config-invalid, model-invalid. */
export async function openNet(
  definition: ExtractorDefinition,
  options: ExtractorOptions = {},
): Promise<EngineExtractor> {
  const { threads, timeoutMs } = settingsOf(options);
  const { side } = definition.preprocessing;
  const engine = await openOnnxEngine({
    weights: await readWeights(definition),
    inputShape: [side, side, channelsOf(definition.preprocessing)],
    dimensions: definition.contract.dimensions,
    output: definition.cut,
    threads,
    timeoutMs,
    ...(options.provider && { provider: options.provider }),
  });
  return new EngineExtractor(definition, engine, options);
}
