import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chooseFormat } from '@headwater/classify/exchange';
import { expect, it } from 'vitest';
import { runProgram } from '../program.ts';
import { createConsoleLogger } from '../terminal/console-logger.ts';

const readGuide = (name: string) =>
  readFileSync(new URL(`../../../docs/guides/${name}.md`, import.meta.url), 'utf8');
const commands = ['backfill', 'move-heads', 'move-examples', 'audit'].flatMap(
  (name) => readGuide(name).match(/(?<=^npx headwater ).*$/gm) ?? [],
);

async function help(words: readonly string[]): Promise<{ code: number; text: string }> {
  let text = '';
  const stream = {
    write: (more: string) => {
      text += more;
      return true;
    },
  };
  const code = await runProgram(['node', 'headwater', ...words, '--help'], {
    environment: {},
    stdout: stream,
    stderr: stream as never,
    signal: new AbortController().signal,
    createLogger: (say) => createConsoleLogger({}, say),
  });
  return { code, text };
}

it('the guides have commands', () => {
  expect(commands.length).toBeGreaterThan(8);
});

it.each(commands)('headwater %s is a command with these options', async (command) => {
  const words = command.split(' ');
  const path = words.slice(0, ['backfill', 'audit'].includes(words[0] ?? '') ? 1 : 2);
  const { code, text } = await help(path);
  expect(code).toBe(0);
  expect(text).toContain(`headwater ${path.join(' ')} `);
  for (const option of words.filter((word) => word.startsWith('--'))) {
    expect(text).toMatch(new RegExp(`${option}\\b`));
  }
});

it('the example file of the guide can be imported', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'headwater-guide-'));
  try {
    const path = join(folder, 'own.jsonl');
    writeFileSync(path, /```jsonl\n([\s\S]*?)```/.exec(readGuide('move-examples'))?.[1] ?? '');
    const rows: string[] = [];
    for await (const { imageId, label } of chooseFormat(path).read(path)) rows.push(`${imageId} ${label}`);
    expect(rows).toEqual(['a1 round', 'a2 square']);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
