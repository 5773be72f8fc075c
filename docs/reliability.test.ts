/** The page on reliability names tests as its evidence: they must be there, under the titles that it gives. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const page = readFileSync(join(import.meta.dirname, 'reliability.md'), 'utf8').replaceAll(/\s+/g, ' ');

/** A link to a file of tests, and the titles in quotation marks that follow it. */
const evidence = [...page.matchAll(/\]\((\.\.\/[^)]+\.ts)\)([^|[\]]*)/g)].map(([, path = '', text = '']) => ({
  path,
  titles: [...text.matchAll(/“([^”]+)”/g)].map(([, title = '']) => title),
}));

test('the page on reliability names its evidence', () => {
  expect(evidence.length).toBeGreaterThan(10);
});

test.each(evidence)('$path has the tests that the page names', ({ path, titles }) => {
  const file = join(import.meta.dirname, path);
  expect(existsSync(file)).toBe(true);
  const source = readFileSync(file, 'utf8');
  expect(titles).not.toEqual([]);
  for (const title of titles) expect(source).toContain(title);
});
