/**
 * Weights are part of what a vector means, so they are held to their SHA-256 before anything runs on
 * them: a file that is missing, half-downloaded or a pointer left by a large-file store is found at start.
 */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { HeadwaterError } from '@headwater/errors';
import type { ExtractorDefinition } from './table/definition.ts';

/** `models/` of the workspace; this file is as deep in `src` as it is in `dist`. */
const modelsFolder = new URL('../../../models/', import.meta.url);

/** Reads and verifies an extractor's weights. Errors: model-invalid. */
export async function readWeights(
  definition: ExtractorDefinition,
  folder: URL = modelsFolder,
): Promise<Uint8Array> {
  const file = `${definition.contract.extractor}/${definition.weights.file}`;
  const bytes = await readFile(new URL(file, folder)).catch((cause: unknown) => {
    const { madeBy } = definition.weights;
    const advice = madeBy === undefined ? '' : ` They do not ship: ${madeBy} makes them.`;
    throw new HeadwaterError('model-invalid', `The weights models/${file} can't be read.${advice}`, {
      cause,
    });
  });
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  if (sha256 === definition.weights.sha256) return bytes;
  throw new HeadwaterError('model-invalid', `The weights models/${file} are not those of this version.`, {
    context: { expected: definition.weights.sha256, found: sha256 },
  });
}
