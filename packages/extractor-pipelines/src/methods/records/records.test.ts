/** How attributes are parsed, including missing and invalid ones. */
import type { Stage, Value } from '@headwater/extractors';
import { describe, expect, it } from 'vitest';
import { conformedData } from '../pictures/conformed-data.ts';
import { AttributeCounts } from './attribute-counts.ts';
import { numberOf } from './attributes.ts';
import { field } from './field.ts';

const image = Uint8Array.of(1, 2, 3);
const recordOf = (attributes: Readonly<Record<string, string>>) => ({ image, attributes });
const valueOfRecord = (attributes: Readonly<Record<string, string>>): Value => ({
  type: 'record',
  record: recordOf(attributes),
});
const pick = (options: object) => field.open(options, undefined) as Stage;

it.each([
  ['7.5', 7.5],
  [' -1 ', -1],
  ['+.5', 0.5],
  ['2e3', 2000],
  ['', undefined],
  ['1,5', undefined],
  ['0x10', undefined],
  ['Infinity', undefined],
  ['1e999', undefined],
  ['7 €', undefined],
])('%j is the number %s', (text, number) => expect(numberOf(text)).toBe(number));

describe('a field', () => {
  it('has the declared type', () => {
    const record = valueOfRecord({ price: ' 7.50', shelf: ' cafe\u0301 ' });
    expect(pick({ name: 'price', as: 'number' }).apply(record)).toEqual({ type: 'number', number: 7.5 });
    expect(pick({ name: 'price', as: 'text' }).apply(record)).toEqual({ type: 'text', text: '7.50' });
    const category = pick({ name: 'shelf', as: 'category' }).apply(record);
    expect(category).toEqual({ type: 'category', category: 'caf\u00e9' });
  });

  it('is missing for an absent or empty attribute without a default', () => {
    for (const attributes of [{}, { price: ' \t' }]) {
      const record = valueOfRecord(attributes);
      expect(pick({ name: 'price', as: 'number' }).apply(record)).toEqual({ type: 'missing' });
      const given = pick({ name: 'price', as: 'number', default: 3 }).apply(record);
      expect(given).toEqual({ type: 'number', number: 3 });
    }
  });

  it('does not read properties of Object.prototype', () => {
    const record = valueOfRecord({});
    for (const name of ['constructor', '__proto__', 'toString']) {
      expect(pick({ name, as: 'text' }).apply(record)).toEqual({ type: 'missing' });
    }
  });

  it('rejects an invalid number, in a record and as a default', () => {
    const given = () => pick({ name: 'price', as: 'number' }).apply(valueOfRecord({ price: 'cheap' }));
    expect(given).toThrow(expect.objectContaining({ code: 'record-unfit' }));
    expect(() => pick({ name: 'price', as: 'number', default: 'none' })).toThrow(/price is not a number/);
  });
});

it('a conformed record has its declared attributes in one notation, and its image', () => {
  const attributes = { price: { as: 'number', default: 9 }, shelf: { as: 'category' } };
  const stage = conformedData.open({ attributes }, undefined) as Stage;
  expect(stage.gives).toBe('record');
  const given = stage.apply(valueOfRecord({ price: '07.50', shelf: ' top', note: 'goes' }));
  expect(given).toEqual(valueOfRecord({ price: '7.5', shelf: 'top' }));
  expect(stage.apply(valueOfRecord({ shelf: '' }))).toEqual(valueOfRecord({ price: '9' }));
  const wrong = () => stage.apply(valueOfRecord({ price: '?' }));
  expect(wrong).toThrow(expect.objectContaining({ code: 'record-unfit' }));
});

describe('counts of attributes', () => {
  const records = Array.from({ length: 40 }, (_, index) =>
    recordOf({ a: String(index % 3), b: index % 2 === 0 ? 'two words' : '1', ...(index > 20 && { c: 'x' }) }),
  );
  const countsOf = (some: typeof records) => {
    const counts = new AttributeCounts();
    for (const record of some) counts.add(record);
    return counts;
  };

  it('are the same in any order, merged, and through JSON', () => {
    const whole = JSON.stringify(countsOf(records).save());
    expect(JSON.stringify(countsOf([...records].reverse()).save())).toBe(whole);
    const part = countsOf(records.slice(25));
    part.merge(
      AttributeCounts.saved.parse(JSON.parse(JSON.stringify(countsOf(records.slice(0, 25)).save()))),
    );
    expect(JSON.stringify(part.save())).toBe(whole);
    expect(JSON.parse(whole).b).toEqual({ records: 40, numbers: 20, words: 60, values: ['1', 'two words'] });
  });

  it('drop values that are too many or too long, in any order', () => {
    const many = Array.from({ length: 1001 }, (_, index) => recordOf({ a: `${index}`, b: 'x'.repeat(129) }));
    for (const some of [many, [...many].reverse(), [...many, ...many]]) {
      expect(countsOf(some).save()).toMatchObject({ a: { values: null }, b: { values: null } });
    }
    expect(countsOf(many.slice(1)).entries()[0]?.[1].values?.size).toBe(1000);
  });

  it('accept 256 different names', () => {
    const counts = countsOf(Array.from({ length: 256 }, (_, index) => recordOf({ [`a${index}`]: '1' })));
    counts.add(recordOf({ a7: '2' }));
    expect(() => counts.add(recordOf({ more: '1' }))).toThrow(/select some with `only`/);
  });
});
