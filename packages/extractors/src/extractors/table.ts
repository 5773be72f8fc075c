/** The extractors that this version knows. A new one is a file in this folder and a line here. */
import { HeadwaterError } from '@headwater/errors';
import type { ExtractorDescription } from '../api.ts';
import { describe, type ExtractorDefinition } from './definition.ts';
import { efficientnetLite0 } from './efficientnet-lite0.ts';
import { lenetDigits } from './lenet-digits.ts';

const table: ReadonlyMap<string, ExtractorDefinition> = new Map(
  [lenetDigits, efficientnetLite0].map((definition) => [definition.contract.extractor, definition]),
);

/** Ids of all extractors, e.g. `lenet-digits.v1`. */
export function extractorIds(): string[] {
  return [...table.keys()];
}

/** Errors: extractor-unknown. */
export function definitionOf(id: string): ExtractorDefinition {
  const definition = table.get(id);
  if (definition) return definition;
  const known = extractorIds().join(', ');
  throw new HeadwaterError('extractor-unknown', `No extractor is called ${id}. There are: ${known}.`, {
    context: { extractor: id },
  });
}

/** What an extractor is, without loading its engine or its weights. Errors: extractor-unknown. */
export function describeExtractor(id: string): ExtractorDescription {
  return describe(definitionOf(id));
}
