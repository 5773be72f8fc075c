import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { type AccessTokens, createToken, parseTokens, presentedToken } from './access-tokens.ts';
import { allows } from './roles.ts';

const secret = 'correct-horse-battery-staple';
const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');
const book = (text: string) => parseTokens(text) as AccessTokens;
const problem = (text: string) => (parseTokens(text) as { problem: string }).problem;

describe('access tokens', () => {
  test('match by token and by digest', () => {
    const tokens = book(
      `# who\ncamera write ${secret}\r\n\nops admin sha256:${sha256('another').toUpperCase()}`,
    );
    expect(tokens.holders).toEqual([
      { name: 'camera', role: 'write' },
      { name: 'ops', role: 'admin' },
    ]);
    expect(tokens.find(secret)).toEqual({ name: 'camera', role: 'write' });
    expect(tokens.find('another')).toEqual({ name: 'ops', role: 'admin' });
    for (const wrong of [
      '',
      `${secret} `,
      secret.slice(1),
      sha256('another'),
      `sha256:${sha256('another')}`,
    ]) {
      expect(tokens.find(wrong)).toBeUndefined();
    }
  });

  test('can be in one line', () => {
    expect(book(`a read ${secret}; b admin ${secret}2;`).find(`${secret}2`)?.name).toBe('b');
  });

  test('do not keep the tokens', () => {
    expect(JSON.stringify(book(`a read ${secret}`))).not.toContain(secret);
  });

  test.each([
    ['', 'expected lines'],
    ['# nothing', 'expected lines'],
    [secret, 'entry 1: expected'],
    [`a read ${secret} more`, 'entry 1: expected'],
    [`a b admin ${secret}`, 'entry 1: expected'],
    [`a root ${secret}`, 'entry 1: expected'],
    [`ok read ${secret}\na read short`, 'entry 2: a token has at least 24'],
    [`a read sha256:${'0'.repeat(63)}`, 'a token has at least'],
    [`a read ${secret}\na write ${secret}2`, 'entry 2: the name a is used'],
  ])('reject %j without repeating it', (text, words) => {
    expect(problem(text)).toContain(words);
    expect(problem(text)).not.toContain(secret);
  });

  test('accept one more token', () => {
    const tokens = book(`a read ${secret}`).with({ name: 'story', role: 'write' }, 'x');
    expect([tokens.find('x')?.name, tokens.find(secret)?.name]).toEqual(['story', 'a']);
  });

  test('accept created tokens', () => {
    const { token, line } = createToken({ name: 'grafana', role: 'read' });
    expect(token).toMatch(/^hw_[\w-]{43}$/);
    expect(line).not.toContain(token);
    expect(book(line).find(token)).toEqual({ name: 'grafana', role: 'read' });
    expect(createToken({ name: 'grafana', role: 'read' }).token).not.toBe(token);
  });
});

test('each role includes the permissions of the roles before it', () => {
  const cases = ['read', 'write', 'admin'].flatMap((held) =>
    ['read', 'write', 'admin'].map((needed) => allows(held as 'read', needed as 'read')),
  );
  expect(cases).toEqual([true, false, false, true, true, false, true, true, true]);
});

test.each([
  ['Bearer abc', 'abc'],
  ['bearer  abc ', 'abc'],
  [`Basic ${Buffer.from('me:abc:d').toString('base64')}`, 'abc:d'],
  [`Basic ${Buffer.from('abc').toString('base64')}`, undefined],
  ['Bearer', undefined],
  ['Bearer a b', undefined],
  ['Digest abc', undefined],
  [undefined, undefined],
])('%j presents %j', (header, token) => expect(presentedToken(header)).toBe(token));
