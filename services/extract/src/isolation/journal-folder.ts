/** A folder of small JSON notes, written without waiting for the disk. What can't be read or written is as if it were not there. */
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

function attempt<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch {
    return undefined;
  }
}

/** Names in a folder; none where there is no such folder. */
export function listFiles(folder: string): string[] {
  return attempt(() => readdirSync(folder)) ?? [];
}

export class JournalFolder {
  private readonly path: string;
  private failed = false;

  constructor(path: string) {
    this.path = path;
  }

  /** false once something could not be written. */
  get isWritable(): boolean {
    return !this.failed;
  }

  create(): void {
    if (attempt(() => mkdirSync(this.path, { recursive: true }) ?? true) === undefined) this.failed = true;
  }

  list(prefix: string): string[] {
    return listFiles(this.path).filter((name) => name.startsWith(prefix));
  }

  read<T>(name: string): T | undefined {
    return attempt(() => JSON.parse(readFileSync(join(this.path, name), 'utf8')) as T);
  }

  /** Whole or not at all. */
  write(name: string, note: unknown): void {
    const file = join(this.path, name);
    const written = attempt(() => {
      writeFileSync(`${file}.new`, JSON.stringify(note));
      renameSync(`${file}.new`, file);
      return true;
    });
    if (written === undefined) this.failed = true;
  }

  delete(name: string): void {
    attempt(() => rmSync(join(this.path, name), { force: true }));
  }

  remove(): void {
    attempt(() => rmSync(this.path, { recursive: true, force: true }));
  }
}
