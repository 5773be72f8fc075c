/**
 * Verifies a whole file of examples before anything is sent: it must be the stated set, with each image once,
 * and without rows that the join would reject. The images are on disk, so that memory does not grow with the
 * file.
 */
import { join } from 'node:path';
import { HeadwaterError } from '@headwater/errors';
import { addDigest, digestExample, formatDigest } from '@headwater/heads';
import { imageKey } from '../../join/state/image-bytes.ts';
import type { PartitionStore } from '../../store/partition-store.ts';
import { Draft } from '../../store/state.ts';
import { openTemporaryStore } from '../temporary-store.ts';
import type { ExampleRow, SetHeader } from './example-files/api.ts';
import { fail } from './example-files/row.ts';
import { numbersOf } from './examples-sender.ts';
import type { ImportExamplesOptions } from './import-options.ts';

/** Rows whose images are written to disk together. */
const pageSize = 1_000;

export interface VerifiedExampleFile {
  readonly examples: number;
  readonly setDigest: string;
}

type VerificationOptions = Pick<ImportExamplesOptions, 'config' | 'path' | 'format' | 'signal' | 'progress'>;

/**
 * Errors: statistics-mismatch (not the stated set), record-invalid (a repeated image, a time in the future),
 * those of the format.
 */
export async function verifyFile(
  options: VerificationOptions,
  header: SetHeader,
): Promise<VerifiedExampleFile> {
  const { path, format, signal, progress, config } = options;
  const latest = Date.now() + config.MAX_CLOCK_SKEW;
  const temporary = await openTemporaryStore(join(config.DATA_DIR, 'backfill'));
  try {
    const seen = new SeenImages(temporary.store);
    let digest = 0n;
    for await (const row of format.read(path)) {
      signal?.throwIfAborted();
      checkTime(row, latest);
      await seen.add(row);
      const vector = numbersOf(row);
      digest = addDigest(digest, digestExample(header.extractor, header.task, { ...row, vector }));
      if (seen.count % pageSize === 0) progress?.({ stage: 'checking the file', done: seen.count });
    }
    const verified = { examples: seen.count, setDigest: formatDigest(digest) };
    checkStated(verified, header);
    return verified;
  } finally {
    await temporary.discard();
  }
}

class SeenImages {
  count = 0;
  readonly #store: PartitionStore;
  #draft: Draft;

  constructor(store: PartitionStore) {
    this.#store = store;
    this.#draft = new Draft(store);
  }

  /** Errors: record-invalid for a repeated image. */
  async add({ imageId, where }: ExampleRow): Promise<void> {
    const key = imageKey(imageId);
    if (this.#draft.get(key) !== undefined) fail(where, 'the image is repeated; it has one label for a task');
    this.#draft.put(key, Buffer.alloc(0));
    this.count++;
    if (this.#draft.changes.size < pageSize) return;
    await this.#store.write(this.#draft.changes, new Map());
    this.#draft = new Draft(this.#store);
  }
}

/** The limit of the join, which would dead-letter the label after the import. */
function checkTime({ where, assignedAt }: ExampleRow, latest: number): void {
  if (assignedAt > latest) fail(where, 'assignedAt lies in the future');
}

function checkStated({ examples, setDigest }: VerifiedExampleFile, header: SetHeader): void {
  if (header.examples !== null && header.examples !== examples) {
    mismatch(`it has ${examples} examples, and says ${header.examples}`);
  }
  if (header.setDigest !== null && header.setDigest !== setDigest) {
    mismatch(`its set digest is ${setDigest}, and it says ${header.setDigest}`);
  }
}

function mismatch(why: string): never {
  throw new HeadwaterError('statistics-mismatch', `the file does not match its header: ${why}`);
}
