/** Fitting of chains: in passes, in parts, in any order, and with records that cannot be used. */
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { SourceRecord } from '@headwater/extractors';
import { describe, expect, it, onTestFinished } from 'vitest';
import { openExtractor } from '../open-extractor.ts';
import { chainFolder, products, sampleOf, signal } from '../testing/chains.ts';
import { type FitProgress, fitChain } from './fit-chain.ts';
import { fitPart, mergeParts } from './fit-parts.ts';

const automatic = [{ method: 'automatic', image: 'pixel-vector' }];

async function fitted(links: unknown, records: readonly SourceRecord[]) {
  const place = await chainFolder();
  const path = await place.chain(links);
  const summary = await fitChain(path, { samples: [sampleOf(records)], signal });
  return { ...place, path, summary, text: await readFile(place.fitted, 'utf8') };
}

describe('automatic', () => {
  it('detects the type of each attribute and joins them all into one vector', async () => {
    const { path, summary, text } = await fitted(automatic, await products(30));
    expect(summary).toMatchObject({ id: 'look.v1', passes: 3 });
    const { links } = JSON.parse(text);
    expect(links['chain.0'].artefact.learned.attributes).toEqual([
      { name: 'price', is: 'number' },
      { name: 'shelf', is: 'category' },
      { name: 'words', is: 'words' },
    ]);
    const extractor = await openExtractor(path);
    onTestFinished(() => extractor.close());
    const [one, other] = await products(2, 1);
    if (!one || !other) throw new Error('the products are missing');
    const vector = await extractor.extract(one);
    expect(vector).toHaveLength(extractor.description.contract.dimensions);
    expect(vector.every(Number.isFinite)).toBe(true);
    expect(await extractor.extract({ ...one, attributes: other.attributes })).not.toEqual(vector);
    expect((await extractor.extract({ ...one, attributes: {} })).every(Number.isFinite)).toBe(true);
  });

  it('takes given types and leaves out constant attributes', async () => {
    const records = (await products(20)).map(({ image, attributes }, index) => {
      const more = { constant: 'x', number: String(index % 4), code: `A-${index}x` };
      return { image, attributes: { ...attributes, ...more, ...(index === 0 && { rare: '1' }) } };
    });
    const links = [
      { method: 'automatic', image: false, attributes: { number: 'category', words: 'ignored' } },
    ];
    const { text } = await fitted(links, records);
    const { learned } = JSON.parse(text).links['chain.0'].artefact;
    expect(
      Object.fromEntries(learned.attributes.map((one: { name: string; is: string }) => [one.name, one.is])),
    ).toEqual({
      code: 'characters',
      constant: 'ignored',
      number: 'category',
      price: 'number',
      rare: 'ignored',
      shelf: 'category',
      words: 'ignored',
    });
  });

  it('rejects a sample without differences between records', async () => {
    const records = (await products(5)).map(({ image }) => ({ image, attributes: {} }));
    const fitting = fitted([{ method: 'automatic', image: false }], records);
    await expect(fitting).rejects.toMatchObject({ code: 'sample-insufficient' });
    await expect(fitting).rejects.toThrow(/look\.yaml: chain\.0 \(automatic\)/);
  });
});

describe('fitting', () => {
  it('gives the same bytes in any order of the records, and merged from parts', async () => {
    const records = await products(24);
    const whole = await fitted(automatic, records);
    const reversed = await fitted(automatic, [...records].reverse());
    expect(reversed.text).toBe(whole.text);
    const { folder, chain, fitted: file } = await chainFolder();
    const path = await chain(automatic);
    const shares = [records.slice(0, 5), records.slice(5, 20), records.slice(20)];
    const parts = shares.map((_, index) => join(folder, `part-${index}.json`));
    for (let round = 0, next: readonly string[] = ['all']; next.length > 0; round += 1) {
      for (const [index, share] of shares.entries()) {
        await fitPart(path, parts[index] ?? '', { samples: [sampleOf(share)], signal });
      }
      next = (await mergeParts(path, parts)).next;
      expect(round).toBeLessThan(5);
    }
    expect(await readFile(file, 'utf8')).toBe(whole.text);
  });

  it('rejects parts of another chain, of another round, and damaged ones', async () => {
    const { folder, chain } = await chainFolder();
    const links = [{ method: 'pixel-vector', size: 2 }, 'standardized-vector'];
    const path = await chain(links);
    const part = join(folder, 'part.json');
    await fitPart(path, part, { samples: [sampleOf(await products(4))], signal });
    await chain([{ method: 'pixel-vector', size: 3 }, 'standardized-vector']);
    await expect(mergeParts(path, [part])).rejects.toThrow(/fitted after other steps/);
    await chain(['lenet-digits.v1', { method: 'pixel-vector' }, 'standardized-vector']).catch(
      () => undefined,
    );
    await chain(links, { id: 'other.v1' });
    await expect(mergeParts(path, [part])).rejects.toThrow(/belongs to look\.v1, not to other\.v1/);
    await expect(mergeParts(path, [path])).rejects.toThrow(/cannot be read, or is truncated/);
    await chain(links);
    await mergeParts(path, [part]);
    await expect(mergeParts(path, [part])).rejects.toThrow(/nothing is left to fit/);
  });

  it('skips and reports records that cannot be used', async () => {
    const records = await products(6);
    const bad = { image: Buffer.from('no image'), attributes: {} };
    const place = await chainFolder();
    const path = await place.chain([{ method: 'pixel-vector', size: 2 }, 'standardized-vector']);
    const [skipped, progress]: [string[], FitProgress[]] = [[], []];
    await fitChain(path, {
      samples: [sampleOf([bad, ...records]), sampleOf([bad])],
      signal,
      onSkip: (name, { code }) => skipped.push(`${name} ${code}`),
      onProgress: (now) => progress.push(now),
    });
    expect(skipped).toEqual(['0 image-type-unsupported', '0 image-type-unsupported']);
    expect(progress.at(-1)).toMatchObject({ pass: 1, records: 6, skipped: 2, total: 8 });
    const { text } = await fitted([{ method: 'pixel-vector', size: 2 }, 'standardized-vector'], records);
    expect(await readFile(place.fitted, 'utf8')).toBe(text);
  });

  it('fails without usable records', async () => {
    const bad = { image: Buffer.from('no image'), attributes: {} };
    const links = [{ method: 'pixel-vector', size: 2 }, 'standardized-vector'];
    await expect(fitted(links, [bad])).rejects.toThrow(/none of 1 records can be used/);
    await expect(fitted(links, [])).rejects.toMatchObject({ code: 'sample-insufficient' });
  });

  it('continues after an interruption, and fits again on request', async () => {
    const { path, fitted: file, text } = await fitted(automatic, await products(12));
    const samples = [sampleOf(await products(12))];
    expect(await fitChain(path, { samples, signal })).toMatchObject({ passes: 0, fitted: [] });
    expect(await fitChain(path, { samples, signal }, true)).toMatchObject({ passes: 3 });
    expect(await readFile(file, 'utf8')).toBe(text);
    await rm(file);
    const abort = new AbortController();
    const interrupted = fitChain(path, {
      samples,
      signal: abort.signal,
      onProgress: ({ pass }) => pass === 2 && abort.abort(new Error('enough')),
    });
    await expect(interrupted).rejects.toThrow('enough');
    expect(Object.keys(JSON.parse(await readFile(file, 'utf8')).links)).toEqual(['chain.0']);
    expect(await fitChain(path, { samples, signal })).toMatchObject({ passes: 2 });
    expect(await readFile(file, 'utf8')).toBe(text);
  });

  it('fits again after a change of options or of earlier steps, and keeps the rest', async () => {
    const [links, place] = [
      (size: number, centre: boolean) => [
        {
          branches: {
            a: [
              { method: 'pixel-vector', size: 2 },
              { method: 'standardized-vector', centre },
            ],
            b: [{ method: 'pixel-vector', size }, 'standardized-vector'],
          },
        },
      ],
      await chainFolder(),
    ];
    const path = await place.chain(links(1, true));
    const options = { samples: [sampleOf(await products(6))], signal };
    const placesOf = async () => (await fitChain(path, options)).fitted.map((link) => link.place);
    expect(await placesOf()).toEqual(['chain.0.a.1', 'chain.0.b.1']);
    await place.chain(links(1, false));
    await expect(openExtractor(path)).rejects.toThrow(/look\.yaml: chain\.0\.a\.1 .*was fitted with/);
    expect(await placesOf()).toEqual(['chain.0.a.1']);
    await place.chain(links(2, false));
    expect(await placesOf()).toEqual(['chain.0.b.1']);
    const extractor = await openExtractor(path);
    onTestFinished(() => extractor.close());
    expect(extractor.description.contract.dimensions).toBe(24);
  });

  it('takes no more records than the limit', async () => {
    const place = await chainFolder();
    const path = await place.chain([{ method: 'pixel-vector', size: 2 }, 'standardized-vector']);
    const summary = await fitChain(path, {
      samples: [sampleOf(await products(3)), sampleOf(await products(9))],
      signal,
      limit: 5,
    });
    expect(summary.fitted).toMatchObject([{ place: 'chain.1', records: 5 }]);
  });
});
