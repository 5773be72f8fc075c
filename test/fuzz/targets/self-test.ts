/** A target with intentional faults, which shows that a crash, a hang and a memory leak are detected. */
import type { Target } from '../target.ts';

const hoard: Buffer[] = [];

/** Expected findings by index. */
export const selfTestFindings = '3 crash,5 hang,7 wrong,9 memory,11 wrong';

export const selfTestTarget: Target = {
  name: 'self-test',
  documented: new Set(['ok']),
  // Allocation takes time on a busy machine, and must not count as a hang.
  timeoutMs: 8_000,
  memoryBytes: 500 * 1024 * 1024,
  open: async () => ({
    generate: (random, index) => Buffer.from([index, random.integer(0, 255), 0x42, random.integer(0, 255)]),
    run: async ([index, , mark]) => {
      if (index === 3) process.kill(process.pid, 'SIGSEGV');
      if (index === 3) await new Promise(() => undefined);
      if (index === 5) for (;;);
      if (index === 7) throw new TypeError('this is a defect');
      if (index === 9) for (;;) hoard.push(Buffer.alloc(64 * 1024 * 1024, 1));
      return index === 11 && mark === 0x42 ? 'something else' : 'ok';
    },
    close: async () => undefined,
  }),
};
