/** One extractor of the table. Its description is available without opening it. */
import type { Extractor, ExtractorDescription } from '../api.ts';
import { openNet } from '../engine-extractor.ts';
import type { ExtractorOptions } from '../options.ts';
import { describe, type ExtractorDefinition } from './definition.ts';

export interface BuiltInExtractor {
  readonly description: ExtractorDescription;
  /** Errors: config-invalid, model-invalid. */
  readonly open: (options?: ExtractorOptions) => Promise<Extractor>;
}

/** A net from its definition. */
export function builtInNet(definition: ExtractorDefinition): BuiltInExtractor {
  return { description: describe(definition), open: (options) => openNet(definition, options) };
}
