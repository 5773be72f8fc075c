/** Chains: the syntax of files, the checks at start, and the guarantees of a chain as an extractor. */
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
  it('is an extractor with its id, contract, and the values of its steps', async () => {
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

  it('passes pictures of an earlier step to a net, with the same values as images', async () => {
    const { chain } = await chainFolder();
    const path = await chain([{ method: 'ConformedData', size: 28, colour: 'gray' }, 'lenet-digits.v1']);
    const record = recordOf(await grayDigit().png().toBuffer());
    const expected = await (await open('lenet-digits.v1')).extract(record);
    expect(await (await open(path)).extract(record)).toEqual(expected);
  });

  it('concatenates its branches in the order of the file, each with its weight', async () => {
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

  it('gives the same bits for concurrent records, and rejects bad ones each with its reason', async () => {
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

  it('completes accepted records before it closes and rejects new ones', async () => {
    const { chain } = await chainFolder();
    const extractor = await open(await chain([{ method: 'pixel-vector', size: 4 }]), { maxPending: 1 });
    const [record = recordOf(new Uint8Array())] = await products(1);
    const accepted = [extractor.extract(record), extractor.extract(record)];
    const closed = extractor.close();
    await expect(extractor.extract(record)).rejects.toMatchObject({ code: 'overloaded' });
    await closed;
    expect(await Promise.all(accepted)).toHaveLength(2);
  });

  it('has a digest that covers every step, and must match the one in its file', async () => {
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

describe('an error of a chain names file, step and remedy', () => {
  const pixels = { method: 'pixel-vector', size: 2 };
  it.each<[unknown, object, RegExp]>([
    [[], {}, /chain: must have at least one step/],
    ['pixel-vector', {}, /chain: /],
    [[pixels], { id: 'look' }, /id: must be like my-chain\.v1/],
    [[pixels], { digest: 'abc' }, /digest: must be 64/],
    [[pixels], { colour: 'red' }, /colour/],
    [[{ size: 2 }], {}, /chain\.0: must be a name, \{method/],
    [[{ branches: {} }], {}, /chain\.0/],
    [[{ branches: { a: [pixels] }, weights: { b: 1 } }], {}, /unknown branch b/],
    [['resnet'], {}, /chain\.0 \(resnet\): unknown method; known methods: automatic, .*pixels\.v1/],
    [[{ ...pixels, size: 0 }], {}, /chain\.0 \(pixel-vector\): size/],
    [[pixels, 'tfidf'], {}, /chain\.1 \(tfidf\): takes tokens or missing, but is given vector/],
    [
      [{ method: 'field', name: 'a', as: 'text' }, 'tfidf'],
      {},
      /put one of these before it: .*segmented-words/,
    ],
    [
      [{ method: 'field', name: 'a', as: 'text' }],
      {},
      /the chain ends with text, but must end with a vector/,
    ],
    [
      [{ branches: { a: [{ method: 'conformed-data', size: 2 }] } }],
      {},
      /branch chain\.0\.a ends with pixels/,
    ],
    [[pixels, 'pixel-vector'], {}, /chain\.1 \(pixel-vector\): takes record or pixels, but is given vector/],
    [
      [
        { ...pixels, size: 100 },
        'identity',
        { branches: { a: ['identity'], b: ['identity'], c: ['identity'] } },
      ],
      {},
      /gives 90000 numbers|does not declare/,
    ],
    [['./net.yaml'], {}, /net\.yaml cannot be read/],
    [['./look.yaml'], {}, /look\.yaml is a chain, but a step must be a method/],
    [
      [pixels, 'standardized-vector'],
      {},
      /not fitted yet: chain\.1 \(standardized-vector\); run: headwater extractor fit .*look\.yaml/,
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
  ])('for invalid options before fitting: %j', async (link, reason) => {
    const { chain } = await chainFolder();
    const path = await chain([link]);
    await expect(fitChain(path, { samples: [], signal })).rejects.toThrow(reason);
  });

  it('for a step that is given the wrong number of numbers', async () => {
    const { chain } = await chainFolder();
    const reduced = { method: 'dimension-reduced-vector', using: 'random', dimensions: 2, input: 7 };
    const path = await chain([pixels, reduced]);
    await expect(open(path)).rejects.toMatchObject({ code: 'config-invalid' });
    await expect(open(path)).rejects.toThrow(/chain\.1 \(dimension-reduced-vector\): given 12 numbers/);
  });

  it('for steps that contain themselves', async () => {
    const { chain } = await chainFolder();
    const path = await chain([]);
    await writeFile(path, 'id: look.v1\nchain: [&a {branches: {x: [*a]}}]\n');
    await expect(open(path)).rejects.toThrow(
      /look\.yaml: steps are nested too deeply, or contain themselves/,
    );
  });

  it('for a file that is not YAML', async () => {
    const { chain } = await chainFolder();
    const path = await chain([]);
    await writeFile(path, 'chain: [');
    await expect(open(path)).rejects.toThrow(/look\.yaml is not YAML/);
  });
});

describe('a fitted chain', () => {
  const links = [{ method: 'pixel-vector', size: 2 }, 'standardized-vector'];
  async function learned() {
    const place = await chainFolder();
    const path = await place.chain(links);
    await fitChain(path, { samples: [sampleOf(await products(6))], signal });
    return { ...place, path };
  }

  it('is opened with its artefacts', async () => {
    const { path } = await learned();
    const extractor = await open(path);
    const [record = recordOf(new Uint8Array())] = await products(1);
    expect(await extractor.extract(record)).toHaveLength(12);
  });

  it('does not open when a byte of an artefact was changed', async () => {
    const { path, fitted } = await learned();
    const text = await readFile(fitted, 'utf8');
    await writeFile(fitted, text.replace('"records":6', '"records":7'));
    await expect(open(path)).rejects.toMatchObject({ code: 'model-invalid' });
    await expect(open(path)).rejects.toThrow(/look\.v1\.fitted\.json was altered at chain\.1/);
    await writeFile(fitted, text.slice(0, 100));
    await expect(open(path)).rejects.toThrow(/is truncated/);
    await writeFile(fitted, text.replace('look.v1', 'look.v2'));
    await expect(open(path)).rejects.toThrow(/belongs to look\.v2/);
  });

  it('is valid only with the same earlier steps and options', async () => {
    const { path, chain } = await learned();
    await chain([{ method: 'pixel-vector', size: 2, fit: 'contain' }, 'standardized-vector']);
    await expect(open(path)).rejects.toMatchObject({ code: 'model-invalid' });
    await expect(open(path)).rejects.toThrow(/fitted after other steps.*headwater extractor fit/);
    await chain([links[0], { method: 'standardized-vector', centre: false }]);
    await expect(open(path)).rejects.toThrow(/chain\.1 \(standardized-vector\).*was fitted with/);
  });
});
