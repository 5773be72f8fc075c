import { describe, expect, it } from 'vitest';
import { runProgram } from './program.ts';
import { createTestConsole } from './testing/test-console.ts';

const run = async (...args: readonly string[]) => {
  const console = createTestConsole();
  const code = await runProgram(['node', 'headwater', ...args], console);
  await new Promise(setImmediate);
  return { code, out: console.out(), err: console.err() };
};

describe('the command line', () => {
  it.each([[['--help']], [['start', '--help']], [['topics', '--help']], [['ingest', '--help']]])(
    '%s explains itself',
    async (args) => {
      const { code, out } = await run(...args);
      expect(code).toBe(0);
      expect(out).toContain('Usage: headwater');
    },
  );

  it('prints its version', async () => {
    const { code, out } = await run('--version');
    expect([code, /^\d+\.\d+\.\d+\n$/.test(out)]).toEqual([0, true]);
  });

  it.each([
    [['dance'], "unknown command 'dance'"],
    [['start', '--fast'], "unknown option '--fast'"],
    [['start', '--images', '0'], 'Expected a whole number of at least 1'],
    [['start', '--label-share', '1.5'], 'Expected a number from 0 to 1'],
    [['start', '--partitions', '-3'], 'Expected a whole number of at least 1'],
    [['ingest'], "missing required argument 'folder'"],
  ])('answers %s with what is wrong, and 2', async (args, words) => {
    const { code, err } = await run(...args);
    expect(err).toContain(words);
    expect(code).toBe(2);
  });

  it('shows the exit codes in its help', async () => {
    expect((await run('start', '--help')).out).toContain('130 and 143');
  });
});
