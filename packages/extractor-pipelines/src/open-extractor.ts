/** Opens an extractor by its name: an id of the table, or a user's file that describes a net or a chain. */
import { HeadwaterError } from '@headwater/errors';
import {
  describe,
  type Extractor,
  type ExtractorDescription,
  type ExtractorOptions,
  isExtractorFile,
  openBuiltIn,
  readExtractorFile,
} from '@headwater/extractors';
import { isChain } from './chains/chain-file.ts';
import { openChain } from './chains/open-chain.ts';
import { openNetFile } from './net-files/open-net.ts';
import { readUserNet } from './net-files/read-net.ts';

async function openFile(path: string, options: ExtractorOptions): Promise<Extractor> {
  const content = await readExtractorFile(path);
  return isChain(content) ? await openChain(path, options) : await openNetFile(path, options);
}

/**
 * Opens an extractor of the table by its id, or one that a file describes, by the file's path (`./my-net.yaml`,
 * `./my-chain.yaml`). Errors: extractor-unknown, config-invalid, model-invalid.
 */
export async function openExtractor(name: string, options: ExtractorOptions = {}): Promise<Extractor> {
  return isExtractorFile(name) ? await openFile(name, options) : await openBuiltIn(name, options);
}

/**
 * The description of a net file's extractor: its model is read and checked, but no engine is started. Errors: config-invalid,
 * model-invalid.
 */
export async function describeNetFile(path: string): Promise<ExtractorDescription> {
  const { definition } = await readUserNet(path);
  return describe(definition);
}

/** The id in an extractor file; the rest is not checked. Errors: config-invalid. */
export async function idOfExtractorFile(path: string): Promise<string> {
  const content = await readExtractorFile(path);
  const id = typeof content === 'object' && content !== null && 'id' in content ? content.id : undefined;
  if (typeof id === 'string' && /^[a-z0-9]+(-[a-z0-9]+)*\.v\d+$/.test(id)) return id;
  throw new HeadwaterError('config-invalid', `${path}: id must be like my-extractor.v1`);
}
