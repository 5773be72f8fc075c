/** Worker thread that reads a Parquet file, one part a request. */
import { parentPort, workerData } from 'node:worker_threads';
import { HeadwaterError } from '@headwater/errors';
import { type ParquetPart, readParts } from './parts.ts';

export type ReaderResponse =
  | { readonly part: ParquetPart | undefined }
  /** Why the file cannot be read. */
  | { readonly fault: string };

const parts = readParts(workerData as string);

parentPort?.on('message', async () => parentPort?.postMessage(await nextPart()));

async function nextPart(): Promise<ReaderResponse> {
  try {
    const { value, done } = await parts.next();
    return { part: done === true ? undefined : value };
  } catch (thrown) {
    return { fault: faultOf(thrown) };
  }
}

/** An error that is not ours comes from the library, for invalid content. */
function faultOf(thrown: unknown): string {
  if (thrown instanceof HeadwaterError) return thrown.message;
  return `the file: cannot be read as Parquet (${String(thrown).slice(0, 200)})`;
}
