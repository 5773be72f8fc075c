/** An extractor by what a user calls it: an id of the table, or a net file of their own. */
import type { Extractor, ExtractorDescription, ExtractorOptions } from './api.ts';

import { describe } from './extractors/definition.ts';
import { openShipped } from './extractors/table.ts';
import { openOwnExtractor } from './nets/own/own-extractor.ts';
import { readOwnNet } from './nets/own/own-net.ts';

/** Net files are told by how their names end; ids have a version there. */
export function isNetFile(name: string): boolean {
  return /\.ya?ml$/.test(name);
}

/**
 * Opens an extractor of the table by its id, or one that a net file describes, by the file's path (`./my-net.yaml`).
 * Errors: extractor-unknown, config-invalid, model-invalid.
 */
export async function openExtractor(name: string, options: ExtractorOptions = {}): Promise<Extractor> {
  return isNetFile(name) ? await openOwnExtractor(name, options) : await openShipped(name, options);
}

/** What the extractor of a net file is: its model is read and checked, but no engine is started. Errors: config-invalid, model-invalid. */
export async function describeNetFile(path: string): Promise<ExtractorDescription> {
  const { definition } = await readOwnNet(path);
  return describe(definition);
}
