/**
 * ONNX Runtime aborts the whole process (SIGABRT) when its thread is terminated during a call, and Node.js terminates all
 * threads at exit. The thread therefore sets a flag in shared memory while it is in native code, and is terminated only outside
 * of it.
 */

const [insideFlag, stopFlag] = [0, 1];
const flagCount = 2;

export type NativeCallFlags = Int32Array<SharedArrayBuffer>;

export function createNativeCallFlags(): NativeCallFlags {
  return new Int32Array(new SharedArrayBuffer(flagCount * Int32Array.BYTES_PER_ELEMENT));
}

/** Called by the owner of the thread: prevents further native calls. Returns false while one is running. */
export function stopNativeCalls(flags: NativeCallFlags): boolean {
  Atomics.store(flags, stopFlag, 1);
  return Atomics.load(flags, insideFlag) === 0;
}

/** Blocks the caller until the running native call has ended, for at most `timeoutMs`. Returns false if it has not. */
export function awaitNativeCall(flags: NativeCallFlags, timeoutMs: number): boolean {
  return Atomics.wait(flags, insideFlag, 1, timeoutMs) !== 'timed-out';
}

/**
 * Called on the thread, around each native call. After a stop it calls `stopped` and blocks, so that the thread can be
 * terminated.
 */
export async function duringNativeCall<T>(
  flags: NativeCallFlags,
  call: () => Promise<T>,
  stopped: () => void,
): Promise<T> {
  Atomics.store(flags, insideFlag, 1);
  if (Atomics.load(flags, stopFlag) === 1) return park(flags, stopped);
  try {
    return await call();
  } finally {
    if (Atomics.load(flags, stopFlag) === 1) park(flags, stopped);
    leave(flags);
  }
}

function leave(flags: NativeCallFlags): void {
  Atomics.store(flags, insideFlag, 0);
  Atomics.notify(flags, insideFlag);
}

function park(flags: NativeCallFlags, stopped: () => void): never {
  stopped();
  leave(flags);
  for (;;) Atomics.wait(flags, stopFlag, 1);
}
