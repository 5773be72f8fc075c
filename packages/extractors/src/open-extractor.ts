/** An extractor by what a user calls it: an id of the table, or a net file of their own. */
import type { Extractor, ExtractorOptions } from './api.ts';
import { openExtractor as openFromTable } from './extractor.ts';
import { openOwnExtractor } from './nets/own/own-extractor.ts';

/** Net files are told by how their names end; ids have a version there. */
export function isNetFile(name: string): boolean {
  return /\.ya?ml$/.test(name);
}

/**
 * Opens an extractor of the table by its id, or one that a net file describes, by the file's path (`./my-net.yaml`).
 * Errors: extractor-unknown, config-invalid, model-invalid.
 */
export async function openExtractor(name: string, options: ExtractorOptions = {}): Promise<Extractor> {
  return isNetFile(name) ? await openOwnExtractor(name, options) : await openFromTable(name, options);
}
