/**
 * A disk that is full, for one running process and without privileges: its limit on the size of files becomes zero (prlimit, of
 * util-linux), so that every write to a file fails, while pipes and sockets work. The system says EFBIG where a disk says ENOSPC.
 */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

/** False where this system has no prlimit. */
export function canLimitFiles(): Promise<boolean> {
  return promisify(execFile)('prlimit', ['--version']).then(
    () => true,
    () => false,
  );
}

/** The soft limit alone: it can be raised again. A process that is gone needs no limit. */
export async function limitFiles(pid: number | undefined, isFull: boolean): Promise<void> {
  if (pid === undefined) return;
  const limit = isFull ? '0' : 'unlimited';
  await promisify(execFile)('prlimit', ['--pid', String(pid), `--fsize=${limit}:`]).catch((error: Error) => {
    if (!/No such process/.test(error.message)) throw error;
  });
}
