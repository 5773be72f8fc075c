import { describe, expect, it } from 'vitest';
import { runProgram } from '../../program.ts';
import { createTestConsole } from '../../testing/test-console.ts';

async function headwater(...args: string[]) {
  const console = createTestConsole();
  const code = await runProgram(['node', 'headwater', ...args], console);
  return { code, out: console.out(), err: console.err() };
}

describe('headwater audit', () => {
  it.each([
    [['--list', 'many'], 'whole number'],
    [['--mend'], 'unknown option'],
  ])('rejects wrong usage with code 2: %j', async (args, reason) => {
    expect(await headwater('audit', ...args)).toMatchObject({
      code: 2,
      err: expect.stringContaining(reason),
    });
  });

  it('documents its exit codes and requirements', async () => {
    const { code, out } = await headwater('audit', '--help');
    expect(code).toBe(0);
    for (const word of ['--repair', '--json', 'Exit codes: 0', 'DATA_DIR', 'EXTRACTORS'])
      expect(out).toContain(word);
  });

  it('is named by backfill as the command that finds missing vectors and predictions', async () => {
    const { out } = await headwater('backfill', '--help');
    expect(out).toContain(
      '--from vectors finds it; `headwater audit` also finds missing vectors and predictions',
    );
  });
});
