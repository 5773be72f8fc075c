/** The extractors of this version. To add one, add a file in this folder and a line here. */
import { HeadwaterError } from '@headwater/errors';
import type { Extractor, ExtractorDescription } from '../api.ts';
import type { ExtractorOptions } from '../options.ts';
import type { ExtractorDefinition } from './definition.ts';
import { efficientnetLite0 } from './efficientnet-lite0.ts';
import { efficientnetLite0Int8 } from './efficientnet-lite0-int8.ts';
import { efficientnetLite2 } from './efficientnet-lite2.ts';
import { faceFeatures } from './face-features.ts';
import { lenetDigits } from './lenet-digits.ts';
import { pixels } from './pixels.ts';
import { type BuiltInExtractor, builtInNet } from './shipped.ts';

const nets = [lenetDigits, efficientnetLite0, efficientnetLite0Int8, efficientnetLite2, faceFeatures];
const list: readonly BuiltInExtractor[] = [...nets.map(builtInNet), pixels];

const table: ReadonlyMap<string, BuiltInExtractor> = new Map(
  list.map((extractor) => [extractor.description.id, extractor]),
);

/** Ids of all extractors, e.g. `lenet-digits.v1`. */
export function extractorIds(): string[] {
  return [...table.keys()];
}

function shipped(id: string): BuiltInExtractor {
  const extractor = table.get(id);
  if (extractor) return extractor;
  const known = extractorIds().join(', ');
  throw new HeadwaterError('extractor-unknown', `unknown extractor ${id}; known extractors: ${known}`, {
    context: { extractor: id },
  });
}

/** The description of an extractor, without loading its engine or its weights. Errors: extractor-unknown. */
export function describeExtractor(id: string): ExtractorDescription {
  return shipped(id).description;
}

/**
 * The file of an extractor's weights, in its folder under `models/`. Errors: extractor-unknown (also for an extractor without
 * weights).
 */
export function describeWeights(id: string): ExtractorDefinition['weights'] {
  const net = nets.find(({ contract }) => contract.extractor === id);
  if (net) return net.weights;
  throw new HeadwaterError('extractor-unknown', `unknown net ${id}`, { context: { extractor: id } });
}

/** Opens an extractor of the table. Errors: extractor-unknown, config-invalid, model-invalid. */
export async function openBuiltIn(id: string, options: ExtractorOptions = {}): Promise<Extractor> {
  return await shipped(id).open(options);
}
