/** The contract of every step: each method of the table, and each net, runs all of it. */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { HeadwaterError } from '@headwater/errors';
import {
  describeWeights,
  extractorIds,
  type FittedArtefact,
  type Stage,
  type StageMethod,
  type Value,
} from '@headwater/extractors';
import { smooth } from '@headwater/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { builtInMethod } from '../chains/extractor-method.ts';
import { stageMethods } from './method-table.ts';

type Options = Readonly<Record<string, unknown>>;

interface Case {
  readonly options?: Options;
  /** Each gives another digest. */
  readonly others?: readonly Options[];
  readonly values: readonly Value[];
  /** Numbers of each vector; null where none is given. */
  readonly dimensions: number | null;
}

const module = fileURLToPath(new URL('./custom/fixtures/mean-colour.mjs', import.meta.url));
const vector = (...entries: number[]): Value => ({ type: 'vector', vector: Float32Array.from(entries) });
const text = (words: string): Value => ({ type: 'text', text: words });
const category = (name: string): Value => ({ type: 'category', category: name });
const tokens = (...words: string[]): Value => ({ type: 'tokens', tokens: words });
const missing: Value = { type: 'missing' };

const vectors = Array.from({ length: 12 }, (_, at) => vector(at, (at * 7) % 5, 3 - at / 4, (at * at) % 11));
const sentences = ['a red shoe', 'a blue shoe', 'one blue hat', 'Straße und Hut', ''].map(text);
const names = ['a', 'b', 'a', 'c'].map(category);

function pixels(step: number, side = 12): Value {
  const data = Uint8Array.from({ length: side * side * 3 }, (_, index) => (index * step) % 256);
  return { type: 'pixels', data, height: side, width: side, channels: 3 };
}

const images = await Promise.all(
  [0, 1, 2, 3].map((index) =>
    smooth(40 + 9 * index, 50)
      .modulate({ hue: 60 * index })
      .png()
      .toBuffer(),
  ),
);
const records = images.map((image, index): Value => {
  const attributes = { price: String(index * 1.5), shelf: index % 2 === 0 ? ' top ' : 'low', note: 'a shoe' };
  return { type: 'record', record: { image, attributes } };
});
const pictures = [...records, pixels(31), pixels(17, 20)];

const cases: Readonly<Record<string, Case>> = {
  'conformed-data': {
    options: { size: 8 },
    others: [
      { size: 9 },
      { size: 8, colour: 'gray' },
      { size: 8, fit: 'contain' },
      { size: 8, background: 'black' },
    ],
    values: pictures,
    dimensions: null,
  },
  custom: {
    options: { module, dimensions: 3, takes: 'pixels' },
    others: [
      { module, dimensions: 3, takes: 'pixels', options: { scale: 2 } },
      { module, dimensions: 3, takes: 'pixels', covers: [module] },
      { module: module.replace('mean-colour', 'largest-shade'), dimensions: 3, takes: 'pixels' },
    ],
    values: [pixels(31), pixels(17), pixels(3, 30)],
    dimensions: 3,
  },
  'dimension-reduced-vector': {
    options: { dimensions: 2 },
    others: [
      { dimensions: 3 },
      { dimensions: 2, whiten: true },
      { using: 'random', dimensions: 2, input: 4 },
    ],
    values: vectors,
    dimensions: 2,
  },
  'discretized-vector': {
    others: [{ bins: 3 }, { edges: 'uniform' }, { as: 'indicator' }],
    values: vectors,
    dimensions: 4,
  },
  field: {
    options: { name: 'price', as: 'number' },
    others: [
      { name: 'price', as: 'text' },
      { name: 'shelf', as: 'category' },
      { name: 'price', as: 'number', default: 1 },
    ],
    values: records,
    dimensions: null,
  },
  identity: { others: [{ of: 'text' }], values: vectors, dimensions: null },
  'indicator-vector': { others: [{ limit: 2 }], values: [...names, missing], dimensions: 3 },
  'integer-vector': { others: [{ limit: 2 }], values: names, dimensions: 1 },
  'missing-imputed': {
    others: [{ with: 'median' }, { indicate: true }],
    values: [...vectors, vector(Number.NaN, 1, 2, Number.NaN)],
    dimensions: 4,
  },
  'numeric-vector': {
    others: [{ missing: ['-'] }],
    values: [text('7.5'), { type: 'number', number: 3 }, missing],
    dimensions: 1,
  },
  'pixel-vector': {
    options: { size: 8 },
    others: [{ size: 9 }, { size: 8, colour: 'gray' }, { size: 8, fit: 'contain' }],
    values: pictures,
    dimensions: 192,
  },
  'segmented-characters': { others: [{ blanks: true }], values: sentences, dimensions: null },
  'segmented-words': { others: [{ punctuation: true }], values: sentences, dimensions: null },
  'standardized-vector': {
    others: [{ centre: false }, { scale: false }],
    values: vectors,
    dimensions: 4,
  },
  tfidf: {
    others: [{ limit: 3 }, { grams: 2 }, { sublinear: true }],
    values: [tokens('red', 'shoe'), tokens('blue', 'shoe', 'shoe'), tokens()],
    dimensions: 3,
  },
};

const table = stageMethods().map((method) => ({ name: method.method, method, own: cases[method.method] }));
const portrait = new URL('../../../testing/src/images/faces/president-portrait.jpg', import.meta.url);
const face: Value = { type: 'record', record: { image: await readFile(portrait), attributes: {} } };

/** Weights that do not ship exist after `npm run models`. */
function isThere(id: string): boolean {
  if (id === 'pixels.v1') return true;
  const { file, madeBy } = describeWeights(id);
  return madeBy === undefined || existsSync(new URL(`../../../../models/${id}/${file}`, import.meta.url));
}

/** Few pictures: the nets' own contract test uses many. */
const nets = extractorIds()
  .filter(isThere)
  .map((id) => {
    const values = id === 'face-features.v1' ? [face] : records.slice(0, 2);
    const own: Case = { values, dimensions: null };
    return { name: id, method: builtInMethod(id), own };
  });

function fitted(method: StageMethod, options: Options, values: readonly Value[]): FittedArtefact | undefined {
  if (method.fit === undefined || method.learns?.(options) === false) return undefined;
  const fitting = method.fit(options);
  for (const value of values) fitting.add(value);
  return fitting.finish();
}

/** Compares bits, not values: 0 and −0 differ here, as they do in a digest. */
function bitsOf(value: Value): unknown {
  if (value.type === 'vector')
    return Buffer.from(new Uint8Array(value.vector.slice().buffer)).toString('base64');
  return value.type === 'pixels' ? { ...value, data: Buffer.from(value.data).toString('base64') } : value;
}

it('the contract test covers every method', () => {
  expect(Object.keys(cases).sort()).toEqual(
    stageMethods()
      .map(({ method }) => method)
      .sort(),
  );
});

describe.each([...table, ...nets])('$name', ({ method, own }) => {
  const { options = {}, others = [], values, dimensions } = own ?? { values: [], dimensions: null };
  const opened: Stage[] = [];
  let stage: Stage;

  async function open(given: Options = options, sample = values): Promise<Stage> {
    const one = await method.open(given, fitted(method, given, sample), { threads: 1 });
    opened.push(one);
    return one;
  }
  beforeAll(async () => {
    stage = await open();
  });
  afterAll(async () => {
    for (const one of opened) await one.close?.();
  });
  const applyInTurn = async (by: Stage) => {
    const results: unknown[] = [];
    for (const value of values) results.push(bitsOf(await by.apply(value)));
    return results;
  };

  it('gives its declared type and dimensions', async () => {
    for (const value of values) {
      const given = await stage.apply(value);
      expect([stage.gives, 'missing']).toContain(given.type);
      if (given.type !== 'vector') continue;
      expect(given.vector.length).toBe(
        stage.dimensions ?? (value.type === 'vector' ? value.vector.length : 0),
      );
      expect([null, given.vector.length]).toContain(dimensions);
    }
  });

  it('declares its types before it is opened', () => {
    const { takes, gives } = method.types?.(options) ?? method;
    expect(gives).toBe(stage.gives);
    for (const type of stage.takes) expect(takes).toContain(type);
    for (const { type } of values) expect(stage.takes).toContain(type);
  });

  it('gives the same bits again, reopened, and with concurrent calls', async () => {
    const alone = await applyInTurn(stage);
    expect(await applyInTurn(stage)).toEqual(alone);
    const again = await open();
    expect(again.digest).toBe(stage.digest);
    const order = [...values.keys(), ...values.keys()].map((_, index) => (index * 5 + 3) % values.length);
    const together = await Promise.all(
      order.map(async (index) => bitsOf(await again.apply(values[index] ?? missing))),
    );
    expect(together).toEqual(order.map((index) => alone[index]));
  });

  it('does not change its input', async () => {
    const before = values.map(bitsOf);
    await applyInTurn(stage);
    expect(values.map(bitsOf)).toEqual(before);
  });

  it('has a digest of 64 hexadecimal digits that changes with its options and its artefact', async () => {
    const stages = [stage];
    for (const other of others) stages.push(await open(other));
    if (fitted(method, options, values) !== undefined) stages.push(await open(options, values.slice(1)));
    for (const { digest } of stages) expect(digest).toMatch(/^[0-9a-f]{64}$/);
    expect(new Set(stages.map(({ digest }) => digest)).size).toBe(stages.length);
  });

  it('rejects unknown options', async () => {
    const attempt = async () => await method.open({ ...options, colour_of_the_sky: 1 }, undefined);
    await expect(attempt()).rejects.toMatchObject({ code: 'config-invalid' });
  });

  it('rejects a value of another type and continues', async () => {
    const strange = [missing, tokens('a'), vector(1), records[0] ?? missing].find(
      ({ type }) => !stage.takes.includes(type),
    );
    if (strange !== undefined) {
      const attempt = async () => await stage.apply(strange);
      await expect(attempt()).rejects.toBeInstanceOf(HeadwaterError);
    }
    expect(bitsOf(await stage.apply(values[0] ?? missing))).toBeDefined();
  });
});
