/**
 * Weights determine the meaning of a vector, so their SHA-256 is verified before they are used. This detects a missing file, a
 * partial download, or a pointer file of a large-file store at start.
 */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { HeadwaterError } from '@headwater/errors';
import type { ExtractorDefinition } from './table/definition.ts';

/** `models/` of the workspace; this file has the same depth in `src` as in `dist`. */
const modelsFolder = new URL('../../../models/', import.meta.url);

/** Reads and verifies an extractor's weights. Errors: model-invalid. */
export async function readWeights(
  definition: ExtractorDefinition,
  folder: URL = modelsFolder,
): Promise<Uint8Array> {
  const file = `${definition.contract.extractor}/${definition.weights.file}`;
  const bytes = await readFile(new URL(file, folder)).catch((cause: unknown) => {
    const { madeBy } = definition.weights;
    const advice = madeBy === undefined ? '' : `; run ${madeBy} to create them`;
    throw new HeadwaterError('model-invalid', `weights models/${file} cannot be read${advice}`, {
      cause,
    });
  });
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  if (sha256 === definition.weights.sha256) return bytes;
  throw new HeadwaterError('model-invalid', `weights models/${file} are not those of this version`, {
    context: { expected: definition.weights.sha256, found: sha256 },
  });
}
