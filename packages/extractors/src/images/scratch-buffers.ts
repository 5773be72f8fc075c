/**
 * Memory that images use in turns. A copy of a large file into new memory costs several times what the copy itself does, since the system
 * hands out and clears page after page.
 */

/** Larger files get memory of their own. */
const bufferBytes = 2 ** 20;
/** As many images as are decoded at once on most machines. */
const mostKept = 8;

const kept: Buffer[] = [];

/** Memory of so many bytes, with any content, until the work that it was handed to ends. */
export type Allocate = (bytes: number) => Buffer;

/** Errors: those of `work`. */
export async function withScratchBuffers<T>(work: (allocate: Allocate) => Promise<T>): Promise<T> {
  const taken: Buffer[] = [];
  const allocate = (bytes: number) => {
    if (bytes > bufferBytes) return Buffer.allocUnsafe(bytes);
    const buffer = kept.pop() ?? Buffer.allocUnsafe(bufferBytes);
    taken.push(buffer);
    return buffer.subarray(0, bytes);
  };
  try {
    return await work(allocate);
  } finally {
    kept.push(...taken.slice(0, mostKept - kept.length));
  }
}
