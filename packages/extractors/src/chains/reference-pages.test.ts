/** The reference pages show chains, samples and vectors: each chain is fitted and opened here, and gives what its page says. */
import { readdirSync, readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { openExtractor } from '../open-extractor.ts';
import { stageMethods } from '../stages/methods.ts';
import { fitChain } from './fit-chain.ts';
import { chainFolder, sampleOf, signal } from './fixtures.ts';

const folder = new URL('../../../../docs/reference/extractors/', import.meta.url);
const pages = readdirSync(folder).filter((name) => name.endsWith('.md'));

function block(page: string, language: string): string | undefined {
  return new RegExp(`\`\`\`${language}\\n(.*?)\`\`\``, 's').exec(page)?.[1];
}

/** Pages without a sample of attributes show pictures: they are not for this test. */
const examples = pages.flatMap((name) => {
  const page = readFileSync(new URL(name, folder), 'utf8');
  const [chain, sample, vectors] = [block(page, 'yaml'), block(page, 'jsonl'), block(page, 'json')];
  return chain && sample && vectors ? [{ name, page, chain, sample, vectors }] : [];
});

it('there is a page for each method that learns, or that takes numbers or text', () => {
  const learning = stageMethods().filter(({ fit, takes }) => fit !== undefined || takes[0] === 'text');
  const expected = [...learning.map(({ method }) => `${method}.md`), 'numeric-vector.md'];
  expect(examples.map(({ name }) => name)).toEqual(expect.arrayContaining(expected));
});

it.each(examples)('$name shows what its example gives', async ({ chain, sample, vectors, page }) => {
  const place = await chainFolder();
  const path = join(place.folder, 'example.yaml');
  await writeFile(path, chain);
  const records = sample
    .trim()
    .split('\n')
    .map((line) => ({
      image: new Uint8Array(),
      ...(JSON.parse(line) as { attributes: Record<string, string> }),
    }));
  if (page.includes('extractor fit')) await fitChain(path, { samples: [sampleOf(records)], signal });
  const extractor = await openExtractor(path);
  onTestFinished(() => extractor.close());
  const found = await Promise.all(records.map(async (record) => [...(await extractor.extract(record))]));
  const shown = (JSON.parse(vectors) as number[][]).map((row) =>
    row.map((entry) => expect.closeTo(entry, 3)),
  );
  expect(found).toEqual(shown);
});
