/** Extraction as in the service, but without its group: for tools that repair missing outputs. */
import type { LogRecord, ProcessorOutput } from '@headwater/log';
import { createMetrics, type ServiceDependencies } from '@headwater/service-kit';
import type { ExtractConfig } from '../environment.ts';
import { openConfigured, openDecoders, openExtraction, openJournal, withDecoders } from '../service.ts';
import { ExtractMetrics } from './extraction-metrics.ts';

export interface Reprocessor {
  /** The id. */
  readonly extractor: string;
  /** Vectors, tombstones and dead letters, as the service would write them. Errors: those whose verdict is to retry or to stop. */
  process(
    records: readonly LogRecord[],
    signal: AbortSignal,
  ): Promise<Pick<ProcessorOutput, 'records' | 'deadLetters'>>;
  close(): Promise<void>;
}

/** Errors: extractor-unknown, config-invalid, model-invalid, schema-incompatible. */
export async function openReprocessor(
  config: ExtractConfig,
  dependencies: Pick<ServiceDependencies, 'log' | 'schemaIds' | 'names' | 'blobs' | 'logger'>,
): Promise<Reprocessor> {
  const metrics = new ExtractMetrics(createMetrics({ processDefaults: false }), dependencies.logger);
  const extractor = withDecoders(await openConfigured(config, metrics), openDecoders(config, metrics));
  const { id } = extractor.description;
  const journal = openJournal(config, dependencies, dependencies.names.groups.extract(id));
  const close = async () => {
    await extractor.close();
    journal.close();
  };
  try {
    const extraction = await openExtraction(config, dependencies, extractor, journal, metrics);
    return { extractor: id, process: (records, signal) => extraction.process(records, signal), close };
  } catch (error) {
    await close();
    throw error;
  }
}
