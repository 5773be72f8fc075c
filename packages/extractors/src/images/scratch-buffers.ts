/**
 * Reuses memory across images. Copying a large file into new memory costs several times the copy itself, since the system
 * allocates and clears page after page.
 */

/** Larger files get new memory. */
const bufferBytes = 2 ** 20;
/** Number of images that are decoded at once on most machines. */
const mostKept = 8;

const kept: Buffer[] = [];

/** Returns memory of this size, with undefined content, valid until the work that uses it ends. */
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
