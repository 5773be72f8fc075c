/**
 * An extractor at work: callers wait for a place, their images are decoded side by side, travel through the engine in common
 * batches, and come back as vectors. Every stage is bounded; a slow engine makes the callers wait, not the memory grow.
 */
import { availableParallelism } from 'node:os';
import { HeadwaterError } from '@headwater/errors';
import type { Extractor, ExtractorDescription, ExtractorOptions, ImageLimits } from './api.ts';
import { Batcher } from './batcher.ts';
import type { Engine } from './engines/api.ts';
import { engines } from './engines/engines.ts';
import { channelsOf, describe, type ExtractorDefinition, inputBytes } from './extractors/definition.ts';
import { definitionOf } from './extractors/table.ts';
import { Gate } from './gate.ts';
import { decodeImage } from './images/decoder.ts';
import { defaultLimits } from './images/limits.ts';
import type { SourceRecord } from './stages/api.ts';
import { readWeights } from './weights.ts';

type Settings = Required<Omit<ExtractorOptions, 'limits' | 'onBatch'>> &
  Pick<ExtractorOptions, 'onBatch'> & { readonly limits: ImageLimits };

function settingsOf(options: ExtractorOptions): Settings {
  const settings = {
    batchSize: 16,
    batchLingerMs: 5,
    threads: availableParallelism(),
    maxPending: 64,
    timeoutMs: 30_000,
    ...options,
    limits: { ...defaultLimits, ...options.limits },
  };
  const { batchSize, batchLingerMs, threads, maxPending, timeoutMs, limits } = settings;
  const numbers = { batchSize, batchLingerMs: batchLingerMs + 1, threads, maxPending, timeoutMs, ...limits };
  const wrong = Object.entries(numbers).filter(([, value]) => !Number.isInteger(value) || value < 1);
  if (wrong.length === 0) return settings;
  const names = wrong.map(([name]) => name).join(', ');
  throw new HeadwaterError('config-invalid', `Options of an extractor must be positive integers: ${names}.`);
}

/** The stages in front of an engine that is open; the extractor owns it from now on. */
export class EngineExtractor implements Extractor {
  readonly description: ExtractorDescription;
  readonly engine: string;
  private readonly definition: ExtractorDefinition;
  private readonly limits: ImageLimits;
  private readonly running: Engine;
  private readonly batcher: Batcher;
  private readonly places: Gate;
  private readonly decoders = new Gate(Math.max(4, availableParallelism()));
  /** Images that are on their way to the batcher. */
  private arriving = 0;
  private pending = 0;
  private closing: { readonly done: Promise<void>; readonly drained: () => void } | undefined;

  constructor(definition: ExtractorDefinition, engine: Engine, options: ExtractorOptions = {}) {
    const settings = settingsOf(options);
    this.definition = definition;
    this.description = describe(definition);
    this.engine = engine.name;
    this.running = engine;
    this.limits = settings.limits;
    this.places = new Gate(settings.maxPending);
    this.batcher = new Batcher(engine, {
      batchSize: settings.batchSize,
      lingerMs: settings.batchLingerMs,
      imageBytes: inputBytes(definition.preprocessing),
      dimensions: definition.contract.dimensions,
      expectsMore: () => this.arriving > 0,
      ...(settings.onBatch && { ran: settings.onBatch }),
    });
  }

  async extract({ image }: SourceRecord, signal?: AbortSignal): Promise<Float32Array> {
    if (this.closing) throw new HeadwaterError('overloaded', 'The extractor is closed.');
    this.pending += 1;
    try {
      await this.places.enter(signal);
      try {
        return await this.batcher.add(await this.decode(image, signal));
      } finally {
        this.places.leave();
      }
    } finally {
      this.leave();
    }
  }

  /** Calls that were accepted are answered first. */
  close(): Promise<void> {
    this.closing ??= this.startClosing();
    return this.closing.done;
  }

  private leave(): void {
    this.pending -= 1;
    if (this.pending === 0) this.closing?.drained();
  }

  private startClosing() {
    let drained = () => {};
    const empty = new Promise<void>((resolve) => {
      drained = resolve;
    });
    if (this.pending === 0) drained();
    return { drained, done: empty.then(() => this.running.close()) };
  }

  private async decode(image: Uint8Array, signal?: AbortSignal): Promise<Uint8Array> {
    this.arriving += 1;
    try {
      await this.decoders.enter(signal);
      try {
        return await decodeImage(image, this.definition.preprocessing, this.limits);
      } finally {
        this.decoders.leave();
      }
    } catch (error) {
      // Others may be waiting for this image; it will not come.
      setImmediate(() => this.batcher.nudge());
      throw error;
    } finally {
      this.arriving -= 1;
    }
  }
}

/**
 * Opens an extractor of the table: reads and verifies its weights, starts its engine.
 * Errors: extractor-unknown, config-invalid, model-invalid.
 */
export async function openExtractor(id: string, options: ExtractorOptions = {}): Promise<Extractor> {
  const definition = definitionOf(id);
  const { threads, timeoutMs } = settingsOf(options);
  const { side } = definition.preprocessing;
  const engine = await engines[definition.engine]({
    weights: await readWeights(definition),
    inputShape: [side, side, channelsOf(definition.preprocessing)],
    dimensions: definition.contract.dimensions,
    output: definition.cut,
    threads,
    timeoutMs,
  });
  return new EngineExtractor(definition, engine, options);
}
