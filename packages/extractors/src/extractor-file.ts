/** Files of extractors of a user's own. What one describes, a net or a chain, is decided by what stands in it. */
import { readFile } from 'node:fs/promises';
import { HeadwaterError } from '@headwater/errors';
import { parse } from 'yaml';

/** Files are told by how their names end; ids have a version there. */
export function isExtractorFile(name: string): boolean {
  return /\.ya?ml$/.test(name);
}

/** What stands in the file, unchecked. Errors: config-invalid. */
export async function readExtractorFile(path: string): Promise<unknown> {
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    const message = `The extractor file ${path} can't be read.`;
    throw new HeadwaterError('config-invalid', message, { cause });
  });
  try {
    return parse(text);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new HeadwaterError('config-invalid', `${path} is not YAML: ${reason}`, { cause });
  }
}
