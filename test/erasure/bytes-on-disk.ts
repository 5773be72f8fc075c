/** Searches files of any kind for bytes: none may contain erased data. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Files below a folder that contain these bytes. A file that is deleted meanwhile contains none. */
export function filesWith(folder: string, needle: Buffer): string[] {
  const found: string[] = [];
  for (const entry of readdirSync(folder, { withFileTypes: true, recursive: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    try {
      if (readFileSync(path).includes(needle)) found.push(path);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
  }
  return found;
}

/**
 * The most varied part of the bytes, which no other data contains by chance. Throws where all of them are
 * equal.
 */
export function distinctPart(bytes: Buffer, length = 48): Buffer {
  let best = { variety: 0, at: 0 };
  for (let at = 0; at + length <= bytes.length; at += 4) {
    const variety = new Set(bytes.subarray(at, at + length)).size;
    if (variety > best.variety) best = { variety, at };
  }
  if (best.variety < 12) throw new Error('the bytes are too much alike');
  return Buffer.from(bytes.subarray(best.at, best.at + length));
}
