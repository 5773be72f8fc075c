/** Results of the steps on text. */
import type { StageMethod, Value } from '@headwater/extractors';
import { describe, expect, it } from 'vitest';
import { segmentedCharacters } from './segmented-characters.ts';
import { segmentedWords } from './segmented-words.ts';
import { tfidf } from './tfidf.ts';

async function cut(method: StageMethod, text: string, options: unknown = {}): Promise<readonly string[]> {
  const stage = await method.open(options, undefined);
  const given = await stage.apply({ type: 'text', text });
  if (given.type !== 'tokens') throw new Error(`gave ${given.type}`);
  return given.tokens;
}

const digestOf = async (method: StageMethod, options: unknown) =>
  (await method.open(options, undefined)).digest;

describe('segmented-words', () => {
  it.each([
    ['A red mug, on a table.', ['a', 'red', 'mug', 'on', 'a', 'table']],
    ["Don't pay 3.50 €!", ["don't", 'pay', '3.50']],
    ['Ein Straßenfest in der STRASSE', ['ein', 'strassenfest', 'in', 'der', 'strasse']],
    ['ΟΔΟΣ οδος', ['οδοσ', 'οδοσ']],
    ['猫が好き', ['猫', 'が', '好き']],
    ['', []],
    [' \n\t… ', []],
  ])('cuts %j', async (text, words) => {
    expect(await cut(segmentedWords, text)).toEqual(words);
  });

  it('unifies the encodings of an accent, unless disabled', async () => {
    expect(await cut(segmentedWords, 'cafe\u0301')).toEqual(['caf\u00e9']);
    expect(await cut(segmentedWords, 'cafe\u0301', { normalize: 'none' })).toEqual(['cafe\u0301']);
    expect(await cut(segmentedWords, 'ﬁn', { normalize: 'NFKC' })).toEqual(['fin']);
  });

  it('keeps upper case and punctuation on request', async () => {
    expect(await cut(segmentedWords, 'A mug, red', { foldCase: false, punctuation: true })).toEqual([
      'A',
      'mug',
      ',',
      'red',
    ]);
  });

  it('treats a missing text as one without words, and rejects one that is too long', async () => {
    const stage = await segmentedWords.open({}, undefined);
    expect(await stage.apply({ type: 'missing' })).toEqual({ type: 'tokens', tokens: [] });
    expect(() => stage.apply({ type: 'text', text: 'a'.repeat(100_001) })).toThrow(
      expect.objectContaining({ code: 'record-unfit' }),
    );
  });

  it('rejects an unsupported locale instead of using that of the machine', () => {
    for (const locale of ['xx', 'not a locale']) {
      expect(() => segmentedWords.open({ locale }, undefined)).toThrow(
        expect.objectContaining({ code: 'config-invalid' }),
      );
    }
  });

  it('has a digest over its options', async () => {
    const digests = await Promise.all(
      [{}, { foldCase: false }, { locale: 'ja' }].map((options) => digestOf(segmentedWords, options)),
    );
    expect(new Set(digests).size).toBe(3);
    expect(await digestOf(segmentedWords, { foldCase: true })).toBe(digests[0]);
  });
});

describe('segmented-characters', () => {
  it.each([
    ['Añb', ['a', 'ñ', 'b']],
    ['e\u0301 x', ['é', 'x']],
    ['👩‍👩‍👧🇨🇭', ['👩‍👩‍👧', '🇨🇭']],
    ['각', ['각']],
    ['', []],
  ])('cuts %j', async (text, characters) => {
    expect(await cut(segmentedCharacters, text)).toEqual(characters);
  });

  it('keeps blanks on request', async () => {
    expect(await cut(segmentedCharacters, 'a b', { blanks: true })).toEqual(['a', ' ', 'b']);
  });
});

describe('tfidf', () => {
  const texts = ['red mug', 'blue mug', 'red red car'].map(
    (text): Value => ({ type: 'tokens', tokens: text.split(' ') }),
  );

  function fit(options: unknown, sample: readonly Value[] = texts) {
    const fitting = tfidf.fit?.(options);
    for (const value of sample) fitting?.add(value);
    return fitting?.finish();
  }

  it('gives zeros for a text without known words, and for a missing one', async () => {
    const stage = await tfidf.open({}, fit({}));
    for (const value of [{ type: 'tokens', tokens: ['green'] }, { type: 'missing' }] as const) {
      expect(await stage.apply(value)).toEqual({ type: 'vector', vector: new Float32Array(4) });
    }
  });

  it('does not depend on the order of the words', async () => {
    const stage = await tfidf.open({}, fit({}));
    const there = await stage.apply({ type: 'tokens', tokens: ['red', 'mug', 'car', 'red'] });
    expect(await stage.apply({ type: 'tokens', tokens: ['car', 'red', 'red', 'mug'] })).toEqual(there);
  });

  it('keeps the terms of the most records, of equals the first by their bytes', () => {
    expect(fit({ limit: 3 })?.learned).toEqual({ terms: ['blue', 'mug', 'red'], records: [1, 2, 2] });
    expect(fit({ atLeast: 2 })?.learned).toEqual({ terms: ['mug', 'red'], records: [2, 2] });
  });

  it('hashes terms into the given number of places', async () => {
    const stage = await tfidf.open({ hashed: 16 }, fit({ hashed: 16 }));
    expect(stage.dimensions).toBe(16);
    const given = await stage.apply({ type: 'tokens', tokens: ['red', 'never seen'] });
    expect(given.type === 'vector' && given.vector.some((entry) => entry > 0)).toBe(true);
  });

  it('rejects more different terms than the limit, in any order and grouping', () => {
    expect(() => fit({ different: 3 })).toThrow(
      expect.objectContaining({ code: 'limit-exceeded', verdict: 'stop' }),
    );
    const one = tfidf.fit?.({ different: 3 });
    const other = tfidf.fit?.({ different: 3 });
    if (one === undefined || other === undefined) throw new Error('cannot be fitted');
    texts.forEach((text, i) => {
      (i === 0 ? one : other).add(text);
    });
    one.merge(other);
    expect(() => one.finish()).toThrow(expect.objectContaining({ code: 'limit-exceeded' }));
    expect(fit({ different: 4 })?.records).toBe(3);
  });

  it('cannot be fitted on texts without words', () => {
    const empty: Value[] = [{ type: 'tokens', tokens: [] }, { type: 'missing' }];
    expect(() => fit({}, empty)).toThrow(expect.objectContaining({ code: 'sample-insufficient' }));
    expect(() => fit({ atMost: 0.1 })).toThrow(expect.objectContaining({ code: 'sample-insufficient' }));
  });
});
