/** Pages that name tests as their evidence: these must be there, under the titles that the pages give. */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';

const pages = ['explanation/reliability.md', 'reference/kafka.md'].map((name) =>
  join(import.meta.dirname, name),
);

/** Links to files of tests, and the titles in quotation marks that follow each; on the page on Kafka those in tables. */
function evidenceIn(page: string) {
  const isWhole = page.endsWith('reliability.md');
  const lines = readFileSync(page, 'utf8').split('\n');
  const text = lines.filter((line) => isWhole || line.startsWith('|')).join(' ');
  return [...text.replaceAll(/\s+/g, ' ').matchAll(/\]\(((?:\.\.\/)+[^)]+\.ts)\)([^|[\]]*)/g)].map(
    ([, path = '', after = '']) => ({
      path,
      file: join(dirname(page), path),
      titles: [...after.matchAll(/“([^”]+)”/g)].map(([, title = '']) => title),
    }),
  );
}

const evidence = pages.flatMap(evidenceIn);

test.each(pages)('%s names its evidence', (page) => {
  expect(evidenceIn(page).length).toBeGreaterThan(10);
});

test.each(evidence)('$path has the tests that the page names', ({ file, titles }) => {
  expect(existsSync(file)).toBe(true);
  const source = readFileSync(file, 'utf8');
  expect(titles).not.toEqual([]);
  for (const title of titles) expect(source).toContain(title);
});
