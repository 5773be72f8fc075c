/**
 * Reads Parquet in a thread that can be ended. The library believes what a file says of itself: one wrong byte, and it counts to 2³¹, or
 * fills the memory with what is not there.
 */
import { once } from 'node:events';
import { access } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { Worker } from 'node:worker_threads';
import { HeadwaterError } from '@headwater/errors';
import { fail } from '../row.ts';
import type { ParquetPart } from './parts.ts';
import type { ReaderResponse } from './reader-worker.ts';

/** For one part: the largest row group that is read takes some seconds. */
const longestSilence = 60_000;
/** The largest row group that is read, as objects. */
const mostHeapMegabytes = 2048;

/**
 * @param silence Milliseconds for which a part may be waited for.
 * Errors: record-invalid, with the place in the file; and those of the file system.
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
  if (signal.aborted) return 'gave no row in time; it is damaged, or its row groups are too large';
  return `cannot be read as Parquet (${cause.message})`;
}
