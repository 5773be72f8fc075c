/** A folder of small JSON files, written without sync. A file that cannot be read counts as missing. */
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

  /** False after a write has failed. */
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

  /** Atomic. */
  write(name: string, value: unknown): void {
    const file = join(this.path, name);
    const written = attempt(() => {
      writeFileSync(`${file}.new`, JSON.stringify(value));
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
