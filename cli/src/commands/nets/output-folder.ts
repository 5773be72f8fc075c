/** A folder that can't be written should be found out before a long training, not after it. */
import { constants } from 'node:fs';
import { access, mkdir } from 'node:fs/promises';
import { HeadwaterError } from '@headwater/errors';

/** Makes the folder where it is missing. Errors: config-invalid. */
export async function ensureWritable(folder: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true });
    await access(folder, constants.W_OK);
  } catch (cause) {
    throw new HeadwaterError('config-invalid', `The folder ${folder} can't be written.`, { cause });
  }
}
