/**
 * Each reference page shows a chain, a sample and vectors: the chain is fitted and opened here, and must give the vectors of
 * its page.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { SourceRecord } from '@headwater/extractors';
import { expect, it, onTestFinished } from 'vitest';
import { openExtractor } from '../open-extractor.ts';
import { chainFolder, sampleOf, signal } from '../testing/chains.ts';
import { fitChain } from './fit-chain.ts';
import { methodEntries } from './method-entries.ts';

const folder = new URL('../../../../docs/reference/extractors/', import.meta.url);
const pages = readdirSync(folder).filter((name) => name.endsWith('.md'));

function block(page: string, language: string): string | undefined {
  return new RegExp(`\`\`\`${language}\\n(.*?)\`\`\``, 's').exec(page)?.[1];
}

/** Pages without a chain, a sample and vectors are skipped. */
const examples = pages.flatMap((name) => {
  const page = readFileSync(new URL(name, folder), 'utf8');
  const [chain, sample, vectors] = [block(page, 'yaml'), block(page, 'jsonl'), block(page, 'json')];
  return chain && sample && vectors ? [{ name, page, chain, sample, vectors }] : [];
});

interface Line {
  readonly image?: string;
  readonly attributes?: Record<string, string>;
}

/** Images of samples are data: URLs. */
function recordOf(line: string): SourceRecord {
  const { image = '', attributes = {} } = JSON.parse(line) as Line;
  return { image: Buffer.from(image.replace(/^.*;base64,/, ''), 'base64'), attributes };
}

it('the index links a page for each method', () => {
  const methods = [...methodEntries().map(({ method }) => method), 'image-features'];
  const expected = methods.map((method) => `${method}.md`);
  expect(examples.map(({ name }) => name)).toEqual(expect.arrayContaining(expected));
  const index = readFileSync(new URL('README.md', folder), 'utf8');
  for (const name of pages.filter((page) => page !== 'README.md')) expect(index).toContain(`](${name})`);
});

it.each(examples)('$name shows what its example gives', async ({ chain, sample, vectors, page }) => {
  const place = await chainFolder();
  const path = join(place.folder, 'example.yaml');
  await writeFile(path, chain);
  const module = block(page, 'js');
  const [, named] = /module: \.\/([\w-]+\.mjs)/.exec(chain) ?? [];
  if (module && named) await writeFile(join(place.folder, named), module);
  const records = sample.trim().split('\n').map(recordOf);
  if (page.includes('extractor fit')) await fitChain(path, { samples: [sampleOf(records)], signal });
  const extractor = await openExtractor(path);
  onTestFinished(() => extractor.close());
  const found = await Promise.all(records.map(async (record) => [...(await extractor.extract(record))]));
  const shown = (JSON.parse(vectors) as number[][]).map((row) =>
    row.map((entry) => expect.closeTo(entry, 3)),
  );
  expect(found).toEqual(shown);
});

it('the chain of the index fits together', async () => {
  const place = await chainFolder();
  const path = join(place.folder, 'look.yaml');
  await writeFile(path, block(readFileSync(new URL('README.md', folder), 'utf8'), 'yaml') ?? '');
  await expect(openExtractor(path)).rejects.toThrow(/not fitted yet: .*dimension-reduced-vector.*tfidf/);
});
