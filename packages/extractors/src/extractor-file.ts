/** Reads files of user-supplied extractors. Their content decides whether they describe a net or a chain. */
import { readFile } from 'node:fs/promises';
import { HeadwaterError } from '@headwater/errors';
import { parse } from 'yaml';

/** Files are recognised by their suffix; ids end with a version. */
export function isExtractorFile(name: string): boolean {
  return /\.ya?ml$/.test(name);
}

/** The parsed content, unchecked. Errors: config-invalid. */
export async function readExtractorFile(path: string): Promise<unknown> {
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    const message = `extractor file ${path} cannot be read`;
    throw new HeadwaterError('config-invalid', message, { cause });
  });
  try {
    return parse(text);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new HeadwaterError('config-invalid', `${path} is not YAML: ${reason}`, { cause });
  }
}
