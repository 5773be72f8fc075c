/** Chains: what a file may say, what is checked at start, and what a chain promises as an extractor. */
import { readFile, writeFile } from 'node:fs/promises';
import { grayDigit, recordOf } from '@headwater/testing';
import { describe, expect, it, onTestFinished } from 'vitest';
import { openExtractor } from '../open-extractor.ts';
import { chainFolder, products, sampleOf, signal } from '../testing/chains.ts';
import { fitChain } from './fit-chain.ts';

async function open(path: string, options: object = {}) {
  const extractor = await openExtractor(path, { threads: 1, ...options });
  onTestFinished(() => extractor.close());
  return extractor;
}

const bytesOf = (vectors: readonly Float32Array[]) =>
  vectors.map((vector) => Buffer.from(new Uint8Array(vector.slice().buffer)).toString('hex'));

describe('a chain', () => {
  it('is an extractor of its own: id, contract, and the values of its links', async () => {
    const { chain } = await chainFolder();
    const path = await chain(['lenet-digits.v1'], { description: 'Digits.' });
    const [own, net] = [await open(path), await open('lenet-digits.v1')];
    expect(own.description).toMatchObject({
      id: 'look.v1',
      name: 'look',
      version: 'v1',
      contract: { extractor: 'look.v1', dimensions: 800, description: 'Digits.' },
    });
    const record = recordOf(await grayDigit().png().toBuffer());
    expect(await own.extract(record)).toEqual(await net.extract(record));
    expect(own.engine).toMatch(/^chain of 1 link: onnxruntime/);
  });

  it('gives a net pictures that a link before it made, with the same values as images', async () => {
    const { chain } = await chainFolder();
    const path = await chain([{ method: 'ConformedData', size: 28, colour: 'gray' }, 'lenet-digits.v1']);
    const record = recordOf(await grayDigit().png().toBuffer());
    const expected = await (await open('lenet-digits.v1')).extract(record);
    expect(await (await open(path)).extract(record)).toEqual(expected);
  });

  it('joins its branches in the order of the file, each by its weight', async () => {
    const { chain } = await chainFolder();
    const path = await chain([
      {
        branches: {
          price: [{ method: 'field', name: 'price', as: 'number', default: 3 }, 'numeric-vector'],
          pixels: [{ method: 'pixel-vector', size: 1, colour: 'gray' }],
          constructor: [
            { branches: { a: [{ method: 'pixel-vector', size: 2 }] }, weights: { a: 'balanced' } },
          ],
        },
        weights: { price: 2 },
      },
    ]);
    const white = await grayDigit().linear(0, 255).png().toBuffer();
    const vector = await (await open(path)).extract({ image: white, attributes: { price: ' 7.5' } });
    const balanced = Math.fround(1 / Math.sqrt(12));
    expect([...vector]).toEqual([15, 1, ...Array.from({ length: 12 }, () => balanced)]);
    const without = await (await open(path)).extract({ image: white, attributes: {} });
    expect(without[0]).toBe(6);
  });

  it('gives the same bits whatever is under way beside a record, and refuses bad ones each with its reason', async () => {
    const { chain } = await chainFolder();
    const path = await chain([
      {
        branches: {
          net: ['lenet-digits.v1'],
          price: [{ method: 'field', name: 'price', as: 'number' }, 'numeric-vector'],
        },
      },
    ]);
    const extractor = await open(path, { maxPending: 4, batchSize: 3 });
    const records = (await products(12)).map(({ image, attributes }, index) => ({
      image,
      attributes: { ...attributes, price: String(index) },
    }));
    const alone: Float32Array[] = [];
    for (const record of records) alone.push(await extractor.extract(record));
    const together = await Promise.all([...records].reverse().map((record) => extractor.extract(record)));
    expect(bytesOf(together.reverse())).toEqual(bytesOf(alone));
    const image = records[0]?.image ?? new Uint8Array();
    const outcomes = await Promise.allSettled([
      extractor.extract({ image: Buffer.from('no image'), attributes: { price: '1' } }),
      extractor.extract({ image, attributes: { price: 'cheap' } }),
      extractor.extract({ image, attributes: {} }),
      extractor.extract({ image, attributes: { price: '0' } }),
    ]);
    const codes = outcomes.map((result) => (result.status === 'rejected' ? result.reason.code : 'fine'));
    expect(codes).toEqual(['image-type-unsupported', 'record-unfit', 'vector-not-finite', 'fine']);
  });

  it('answers what it has accepted before it closes, and takes nothing more', async () => {
    const { chain } = await chainFolder();
    const extractor = await open(await chain([{ method: 'pixel-vector', size: 4 }]), { maxPending: 1 });
    const [record = recordOf(new Uint8Array())] = await products(1);
    const accepted = [extractor.extract(record), extractor.extract(record)];
    const closed = extractor.close();
    await expect(extractor.extract(record)).rejects.toMatchObject({ code: 'overloaded' });
    await closed;
    expect(await Promise.all(accepted)).toHaveLength(2);
  });

  it('has a digest that covers every link, and is held to the one that its file states', async () => {
    const { chain } = await chainFolder();
    const digestOf = async (links: unknown, more: object = {}) =>
      (await open(await chain(links, more))).description.digest;
    const pixels = { method: 'pixel-vector', size: 2 };
    const digests = [
      await digestOf([pixels]),
      await digestOf([{ ...pixels, size: 3 }]),
      await digestOf([pixels, 'identity']),
      await digestOf([{ branches: { a: [pixels] } }]),
      await digestOf([{ branches: { b: [pixels] } }]),
      await digestOf([{ branches: { a: [pixels] }, weights: { a: 2 } }]),
    ];
    expect(new Set(digests).size).toBe(digests.length);
    expect(await digestOf([{ size: 2, method: 'PixelVector', fit: 'cover' }])).toBe(digests[0]);
    expect(await digestOf([pixels], { digest: digests[0] })).toBe(digests[0]);
    const stated = digestOf([pixels], { digest: digests[1] });
    await expect(stated).rejects.toMatchObject({ code: 'model-invalid' });
    await expect(stated).rejects.toThrow(digests[0]);
  });
});

describe('what is wrong with a chain is told with file, link and what to do', () => {
  const pixels = { method: 'pixel-vector', size: 2 };
  it.each<[unknown, object, RegExp]>([
    [[], {}, /chain: needs at least one link/],
    ['pixel-vector', {}, /chain: /],
    [[pixels], { id: 'look' }, /id: must be like my-chain\.v1/],
    [[pixels], { digest: 'abc' }, /digest: must be 64/],
    [[pixels], { colour: 'red' }, /colour/],
    [[{ size: 2 }], {}, /chain\.0: must be a name, \{method/],
    [[{ branches: {} }], {}, /chain\.0/],
    [[{ branches: { a: [pixels] }, weights: { b: 1 } }], {}, /there is no branch b/],
    [['resnet'], {}, /chain\.0 \(resnet\): there is no such method\. There are: automatic, .*pixels\.v1/],
    [[{ ...pixels, size: 0 }], {}, /chain\.0 \(pixel-vector\): size/],
    [[pixels, 'tfidf'], {}, /chain\.1 \(tfidf\): it takes tokens or missing, and is given vector/],
    [
      [{ method: 'field', name: 'a', as: 'text' }, 'tfidf'],
      {},
      /Put one of these before it: .*segmented-words/,
    ],
    [
      [{ method: 'field', name: 'a', as: 'text' }],
      {},
      /the chain ends with text, and must end with a vector/,
    ],
    [
      [{ branches: { a: [{ method: 'conformed-data', size: 2 }] } }],
      {},
      /branch chain\.0\.a ends with pixels/,
    ],
    [
      [pixels, 'pixel-vector'],
      {},
      /chain\.1 \(pixel-vector\): it takes record or pixels, and is given vector/,
    ],
    [
      [
        { ...pixels, size: 100 },
        'identity',
        { branches: { a: ['identity'], b: ['identity'], c: ['identity'] } },
      ],
      {},
      /gives 90000 numbers|does not tell/,
    ],
    [['./net.yaml'], {}, /net\.yaml can't be read/],
    [['./look.yaml'], {}, /look\.yaml is a chain, and a link must be a method/],
    [
      [pixels, 'standardized-vector'],
      {},
      /not learned yet: chain\.1 \(standardized-vector\)\. Run: headwater extractor fit .*look\.yaml/,
    ],
  ])('%j', async (links, more, reason) => {
    const { chain } = await chainFolder();
    const path = await chain(links, more);
    await expect(open(path)).rejects.toMatchObject({ code: 'config-invalid' });
    await expect(open(path)).rejects.toThrow(reason);
    await expect(open(path)).rejects.toThrow(path);
  });

  it.each([
    [{ method: 'automatic', image: 5 }, /chain\.0 \(automatic\): image/],
    [{ method: 'automatic', mostCategories: 1 }, /chain\.0 \(automatic\): mostCategories/],
  ])('options of what learns, before it learns: %j', async (link, reason) => {
    const { chain } = await chainFolder();
    const path = await chain([link]);
    await expect(fitChain(path, { samples: [], signal })).rejects.toThrow(reason);
  });

  it('links that are given another number of numbers than they take', async () => {
    const { chain } = await chainFolder();
    const reduced = { method: 'dimension-reduced-vector', using: 'random', dimensions: 2, input: 7 };
    const path = await chain([pixels, reduced]);
    await expect(open(path)).rejects.toMatchObject({ code: 'config-invalid' });
    await expect(open(path)).rejects.toThrow(/chain\.1 \(dimension-reduced-vector\): given 12 numbers/);
  });

  it('links within themselves', async () => {
    const { chain } = await chainFolder();
    const path = await chain([]);
    await writeFile(path, 'id: look.v1\nchain: [&a {branches: {x: [*a]}}]\n');
    await expect(open(path)).rejects.toThrow(/look\.yaml: links are nested too deeply, or within themselves/);
  });

  it('a file that is no YAML', async () => {
    const { chain } = await chainFolder();
    const path = await chain([]);
    await writeFile(path, 'chain: [');
    await expect(open(path)).rejects.toThrow(/look\.yaml is not YAML/);
  });
});

describe('what a chain has learned', () => {
  const links = [{ method: 'pixel-vector', size: 2 }, 'standardized-vector'];
  async function learned() {
    const place = await chainFolder();
    const path = await place.chain(links);
    await fitChain(path, { samples: [sampleOf(await products(6))], signal });
    return { ...place, path };
  }

  it('is opened with it', async () => {
    const { path } = await learned();
    const extractor = await open(path);
    const [record = recordOf(new Uint8Array())] = await products(1);
    expect(await extractor.extract(record)).toHaveLength(12);
  });

  it('is held to its digest: a byte that was changed does not open', async () => {
    const { path, fitted } = await learned();
    const text = await readFile(fitted, 'utf8');
    await writeFile(fitted, text.replace('"records":6', '"records":7'));
    await expect(open(path)).rejects.toMatchObject({ code: 'model-invalid' });
    await expect(open(path)).rejects.toThrow(
      /look\.v1\.fitted\.json holds at chain\.1 what was not written so/,
    );
    await writeFile(fitted, text.slice(0, 100));
    await expect(open(path)).rejects.toThrow(/was cut short/);
    await writeFile(fitted, text.replace('look.v1', 'look.v2'));
    await expect(open(path)).rejects.toThrow(/is that of look\.v2/);
  });

  it('holds only behind the links that it was learned behind, and with the same options', async () => {
    const { path, chain } = await learned();
    await chain([{ method: 'pixel-vector', size: 2, fit: 'contain' }, 'standardized-vector']);
    await expect(open(path)).rejects.toMatchObject({ code: 'model-invalid' });
    await expect(open(path)).rejects.toThrow(/learned behind other links.*headwater extractor fit/);
    await chain([links[0], { method: 'standardized-vector', centre: false }]);
    await expect(open(path)).rejects.toThrow(/chain\.1 \(standardized-vector\).*was fitted with/);
  });
});
