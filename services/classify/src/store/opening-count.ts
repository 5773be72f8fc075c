/**
 * LMDB maps the file of a store into memory: a damaged or truncated file ends the process with SIGBUS or SIGSEGV, at any
 * read. So the openings that ended with their process are counted. After three in a row the store is removed, and is
 * rebuilt from the topics, instead of ending each process that opens it.
 */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const mostCrashes = 3;
/** A process that has used the store for so long is not ended by it. */
const soundAfterMs = 60_000;

export class OpeningCount {
  /** True where the store was removed, because its last users have crashed. */
  readonly isRemoved: boolean;
  readonly #file: string;
  readonly #timer: NodeJS.Timeout;

  /** Counts an opening, which must follow. */
  constructor(folder: string) {
    this.#file = join(folder, 'openings');
    const crashes = readCount(this.#file);
    this.isRemoved = crashes >= mostCrashes;
    if (this.isRemoved)
      for (const name of ['data.mdb', 'lock.mdb']) rmSync(join(folder, name), { force: true });
    writeFileSync(this.#file, String(this.isRemoved ? 1 : crashes + 1));
    this.#timer = setTimeout(() => this.end(), soundAfterMs).unref();
  }

  /** The process lives: the store was closed, its opening failed with an error, or it was used for long enough. */
  end(): void {
    clearTimeout(this.#timer);
    rmSync(this.#file, { force: true });
  }
}

function readCount(file: string): number {
  try {
    return Number(readFileSync(file, 'utf8')) || 0;
  } catch {
    return 0;
  }
}
