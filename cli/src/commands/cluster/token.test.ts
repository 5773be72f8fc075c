import { type AccessTokens, parseTokens } from '@headwater/service-kit';
import { expect, it } from 'vitest';
import { runProgram } from '../../program.ts';
import { createTestConsole } from '../../testing/test-console.ts';

async function create(...args: string[]) {
  const console = createTestConsole();
  const code = await runProgram(['node', 'headwater', 'token', 'create', ...args], console);
  await new Promise(setImmediate);
  return { code, out: console.out(), err: console.err() };
}

it('makes a token, and the line that admits it without the token', async () => {
  const { code, out, err } = await create('--name', 'camera-3', '--role', 'write');
  expect(code).toBe(0);
  const line = err.trim().split('\n').at(-1) ?? '';
  expect((parseTokens(line) as AccessTokens).find(out.trim())).toEqual({ name: 'camera-3', role: 'write' });
  expect(err).not.toContain(out.trim());
});

it('prints both for machines', async () => {
  const { out } = await create('--name', 'ops', '--role', 'admin', '--json');
  const { token, line } = JSON.parse(out) as { token: string; line: string };
  expect((parseTokens(line) as AccessTokens).find(token)?.role).toBe('admin');
});

it.each([
  [['--name', 'a b', '--role', 'read'], '--name'],
  [['--name', 'a', '--role', 'root'], 'read, write, admin'],
  [['--role', 'read'], '--name'],
  [['--name', 'a'], '--role'],
])('refuses %j', async (args, words) => {
  const { code, err } = await create(...args);
  expect(code).toBe(2);
  expect(err).toContain(words);
});
