/**
 * Reads Parquet in a thread that can be ended: the library trusts the file's metadata, and one altered byte
 * can make it count to 2³¹ or exhaust memory.
 */
import { once } from 'node:events';
import { access } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { Worker } from 'node:worker_threads';
import { HeadwaterError } from '@headwater/errors';
import { fail } from '../row.ts';
import type { ParquetPart } from './parts.ts';
import type { ReaderResponse } from './reader-worker.ts';

/** Time limit of one part: the largest row group takes some seconds. */
const longestSilence = 60_000;
/** Enough for the largest row group, as objects. */
const mostHeapMegabytes = 2048;

/**
 * @param silence Time limit of a part, in milliseconds. Errors: record-invalid, with the place in the file;
 * and those of the file system.
 */
export async function* readInThread(path: string, silence = longestSilence): AsyncGenerator<ParquetPart> {
  await access(path);
  const worker = openWorker(path);
  try {
    for (;;) {
      const part = await nextPart(worker, silence);
      if (part === undefined) return;
      yield part;
    }
  } finally {
    await worker.terminate();
  }
}

function openWorker(path: string): Worker {
  const file = createRequire(import.meta.url).resolve('@headwater/classify/parquet-reader-worker');
  const resourceLimits = { maxOldGenerationSizeMb: mostHeapMegabytes };
  return new Worker(file, { workerData: path, resourceLimits });
}

async function nextPart(worker: Worker, silence: number): Promise<ParquetPart | undefined> {
  const signal = AbortSignal.timeout(silence);
  const answered = once(worker, 'message', { signal });
  worker.postMessage(null);
  const [answer] = (await answered.catch((cause: Error) => fail('the file', faultOf(cause, signal)))) as [
    ReaderResponse,
  ];
  if ('part' in answer) return answer.part;
  throw new HeadwaterError('record-invalid', answer.fault);
}

function faultOf(cause: Error, signal: AbortSignal): string {
  if (signal.aborted) return 'returned no row in time; it is damaged, or its row groups are too large';
  return `cannot be read as Parquet (${cause.message})`;
}
