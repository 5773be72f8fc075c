/** Shrinks a failing input as long as it fails in the same way. */

/** Calls `fails` at most this number of times. */
export async function shrink(
  input: Buffer,
  fails: (candidate: Buffer) => Promise<boolean>,
  attempts: number,
): Promise<Buffer> {
  let best = input;
  let left = attempts;
  for (let size = Math.max(1, best.length >> 1); size >= 1 && left > 0; size = Math.floor(size / 2)) {
    for (let at = 0; at < best.length && left > 0; ) {
      const candidate = Buffer.concat([best.subarray(0, at), best.subarray(at + size)]);
      left -= 1;
      if (await fails(candidate)) best = candidate;
      else at += size;
    }
  }
  return best;
}
