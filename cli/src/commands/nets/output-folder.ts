/** Checks before a long training that the output folder can be written. */
import { constants } from 'node:fs';
import { access, mkdir } from 'node:fs/promises';
import { HeadwaterError } from '@headwater/errors';

/** Creates the folder where it is missing. Errors: config-invalid. */
export async function ensureWritable(folder: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true });
    await access(folder, constants.W_OK);
  } catch (cause) {
    throw new HeadwaterError('config-invalid', `cannot write to the folder ${folder}`, { cause });
  }
}
