import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { HeadKind, HeadMode, LabelledVector, TrainOptions } from '../api.ts';
import { quantize } from '../numerics/quantization.ts';
import { createTrainingSet, deserializeTrainingSet } from '../training-set/training-set.ts';
import { arithmeticOf } from './arithmetic.ts';
import { openHead, trainHead } from './head.ts';

const dimensions = 6;
const options = { extractor: 'net.v1', task: 'digit', dimensions };
const modes: HeadMode[] = ['provisional', 'settled'];
const kinds: HeadKind[] = ['lda', 'ridge', 'ncm', 'knn', 'softmax'];
const members = kinds.flatMap((kind) => modes.map((mode) => ({ kind, mode })));

/** A small linear congruential generator: tests must not change from run to run. */
function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

/** Clouds around one corner for each class. */
function clouds(count: number, labels: readonly string[], spread: number, seed = 1): LabelledVector[] {
  const random = randomNumbers(seed);
  return Array.from({ length: count }, (_, i) => {
    const k = i % labels.length;
    const vector = Float32Array.from(
      { length: dimensions },
      (_, j) => (j === k ? 1 : 0.2) + spread * (random() + random() - 1),
    );
    return { imageId: `image ${i}`, label: labels[k] ?? '', group: null, vector: quantize(vector) };
  });
}

function setOf(examples: readonly LabelledVector[]) {
  const set = createTrainingSet(options);
  for (const example of examples) set.add(example);
  return set;
}

/**
 * Together the sets cover a solver's decisions: few examples and many, groups, a class with one example, classes far apart and
 * mixed.
 */
function recordedSets() {
  const lists = [
    clouds(60, ['a', 'b', 'c'], 1.2),
    clouds(25, ['a', 'b', 'c', 'd'], 2, 6),
    clouds(150, ['a', 'b', 'b', 'c'], 0.6, 7).map((each, i) => ({
      ...each,
      group: i % 3 ? null : `g${i % 7}`,
    })),
    [
      ...clouds(30, ['a', 'b'], 1.5, 8),
      ...clouds(3, ['x', 'x', 'd'], 1, 9)
        .slice(2)
        .map((each) => ({ ...each, imageId: 'one' })),
    ],
    clouds(1_100, ['a', 'b', 'c', 'd', 'e'], 1.4, 10),
  ];
  return lists.map(setOf);
}

/** By kind and arithmetic number, SHA-256 over the digests of the heads of these sets. A number's digests never change. */
const recorded: Readonly<Record<string, string>> = {
  'lda 2, provisional': '14d2f398a40acc366d6ee445322d8f81f13951080f5020f761c2c66bbfa391e6',
  'lda 2, settled': '1893a6a5d7e6d5dc4c637ca53552a28cfede52694b4a88e9df56588852db182a',
  'ridge 1, provisional': '0d0327ba9d6d3f197a55345054ed6b24efc166afc8479253d09ea3af70e0656f',
  'ridge 1, settled': '97cc872ac258fd48897a36cb17cdb2806378c4fb3a047ae7069f595f1239d527',
  'ncm 1, provisional': '18271068043ae33ee247a0326b4d92277d01bf624c3f4b528641464404b0bec3',
  'ncm 1, settled': '93646bb4b4ba723164e6ce9a400d8d643406344f288594db1e41f89356843015',
  'knn 1, provisional': 'b9cdf358fb9490ac5bad6e96c82b308c73dec0b10487d1cf97ecff1c5a7951da',
  'knn 1, settled': 'cec505fc11d517bc67d83f7e69307bf6f0b83eca8a77a0101a88b24dd34b9a3b',
  'softmax 2, provisional': '61aff644dc913062dcd674a32faed448dc22313914c0ee7925df929636539605',
  'softmax 2, settled': '8beb807a8101d2e026aa19f062e40ee6d9a9f04882e4ca1866fe043caf50791e',
  'softmax 3, provisional': 'ae93d2f22d086a955dce3dd9c2fcd6bdf3acac92c26d02f0fd4935affbb2c313',
  'softmax 3, settled': '8beb807a8101d2e026aa19f062e40ee6d9a9f04882e4ca1866fe043caf50791e',
};

const item = fc.record({
  imageId: fc.string({ maxLength: 6 }),
  label: fc.constantFrom('a', 'b', 'c'),
  group: fc.option(fc.constantFrom('g', 'h'), { freq: 3 }),
  vector: fc
    .array(fc.integer({ min: -3, max: 3 }), { minLength: dimensions, maxLength: dimensions })
    .map((values) => quantize(Float32Array.from(values))),
});
const examples = fc.uniqueArray(item, { minLength: 1, maxLength: 24, selector: ({ imageId }) => imageId });

describe('a head', () => {
  it.each(members)(
    '$kind, $mode: has the same bits after any order, batching, partition, correction and removal',
    ({ kind, mode }) => {
      const train = (set: ReturnType<typeof setOf>) => trainHead(set, { kind, mode });
      const plan = fc.array(fc.nat({ max: 999 }), { minLength: 48, maxLength: 48 });
      fc.assert(
        fc.property(examples, examples, plan, (kept, gone, numbers) => {
          const expected = train(setOf(kept));
          const known = new Set(kept.map(({ imageId }) => imageId));
          const extra = gone.filter(({ imageId }) => !known.has(imageId));
          const parts = [createTrainingSet(options), createTrainingSet(options)];
          const order = [...kept, ...extra].map((each, i) => ({ each, rank: numbers[i] ?? 0 }));
          for (const { each, rank } of order.sort((a, b) => a.rank - b.rank)) {
            const part = parts[rank % 2];
            const wrong = { ...each, label: rank % 3 === 0 ? 'wrong' : each.label };
            part?.add(wrong);
            part?.remove(wrong);
            part?.add(each);
            if (rank % 5 === 0) trainHead(part ?? setOf([each]), { kind, mode });
          }
          const merged = createTrainingSet(options);
          for (const part of parts) merged.merge(part);
          for (const each of extra) merged.remove(each);
          const head = train(deserializeTrainingSet(merged.serialize()));
          expect(head).toEqual(expected);
          expect(head.digest).toBe(expected.digest);
        }),
        { numRuns: kind === 'lda' ? 500 : 100 },
      );
    },
  );

  it.each(members)('$kind, $mode: has the recorded digests on every engine', ({ kind, mode }) => {
    const hash = createHash('sha256');
    for (const set of recordedSets()) hash.update(trainHead(set, { kind, mode }).digest);
    const asked = `${kind} ${arithmeticOf(kind)}, ${mode}`;
    const advice =
      'different bits: increase the number in arithmetic.ts and add the new digests; recorded ones stay';
    expect({ [asked]: hash.digest('hex') }, advice).toEqual({ [asked]: recorded[asked] });
  });

  it('carries the number of its arithmetic', () => {
    const set = setOf(clouds(12, ['a', 'b'], 1));
    for (const member of members) expect(trainHead(set, member).arithmetic).toBe(arithmeticOf(member.kind));
    expect(arithmeticOf('softmax')).toBeGreaterThanOrEqual(arithmeticOf('lda'));
  });

  it('has the recorded set digest', () => {
    const { setDigest } = setOf(clouds(60, ['a', 'b', 'c'], 1.2));
    expect(setDigest).toBe('9fc328ccbaf27556fd0b12e00c0f134763196d60f0b9352348da8bf7f2369bb6');
  });
});

describe('predictions', () => {
  it.each(members)('$kind, $mode: separate clouds, with probabilities that sum to one', (options) => {
    const labels = ['a', 'b', 'c', 'd'];
    const head = trainHead(setOf(clouds(80, labels, 0.7)), options);
    const classifier = openHead(head);
    const test = clouds(400, labels, 0.7, 2);
    const right = test.filter(({ vector, label }) => classifier.predict(vector).label === label).length;
    expect(right / test.length).toBeGreaterThan(0.8);
    for (const { vector } of test) {
      const { probabilities, label } = classifier.predict(vector);
      expect(probabilities.reduce((a, b) => a + b)).toBeCloseTo(1, 12);
      expect(probabilities[head.classes.indexOf(label)]).toBe(Math.max(...probabilities));
    }
  });

  it('find a class with few examples beside large ones', () => {
    const large = clouds(600, ['a', 'b', 'c'], 1);
    const small = clouds(4 * 5, ['x', 'x', 'x', 'd'], 1, 3).filter(({ label }) => label === 'd');
    const set = setOf([...large, ...small.map((each) => ({ ...each, imageId: `small ${each.imageId}` }))]);
    const classifier = openHead(trainHead(set, { kind: 'lda', mode: 'settled' }));
    const test = clouds(400, ['x', 'x', 'x', 'd'], 1, 4).filter(({ label }) => label === 'd');
    const found = test.filter(({ vector }) => classifier.predict(vector).label === 'd').length;
    expect(found / test.length).toBeGreaterThan(0.7);
  });

  it.each(kinds)('%s: follow the given prior', (kind) => {
    const set = setOf([...clouds(60, ['a', 'a', 'b'], 3)]);
    const test = clouds(300, ['a', 'b'], 3, 5);
    const share = (prior: NonNullable<TrainOptions['prior']>) => {
      const classifier = openHead(trainHead(set, { kind, mode: 'settled', prior }));
      return test.filter(({ vector }) => classifier.predict(vector).label === 'a').length;
    };
    expect(share('empirical')).toBeGreaterThan(share('uniform'));
    expect(share({ a: 2 })).toBe(share('empirical'));
    expect(share({ a: 1e-9 })).toBe(0);
  });
});

describe('novelty', () => {
  const probabilistic = members.filter(({ kind }) => kind === 'lda' || kind === 'softmax');
  it.each(probabilistic)(
    '$kind, $mode: is a uniform percentile for known classes and high for unknown ones',
    (member) => {
      const classifier = openHead(trainHead(setOf(clouds(300, ['a', 'b', 'c'], 0.7)), member));
      const noveltyOf = ({ vector }: LabelledVector) => classifier.predict(vector).novelty ?? Number.NaN;
      const known = clouds(900, ['a', 'b', 'c'], 0.7, 2).map(noveltyOf);
      const unknown = clouds(900, ['x', 'x', 'x', 'x', 'd'], 0.7, 3)
        .filter(({ label }) => label === 'd')
        .map(noveltyOf);
      const mean = (values: number[]) => values.reduce((a, b) => a + b) / values.length;
      expect(Math.abs(mean(known) - 0.5)).toBeLessThan(0.07);
      expect(Math.abs(known.filter((value) => value > 0.9).length / known.length - 0.1)).toBeLessThan(0.07);
      expect(mean(unknown)).toBeGreaterThan(0.75);
      for (const value of [...known, ...unknown]) {
        expect(value).toBeGreaterThanOrEqual(0);
        expect(value).toBeLessThanOrEqual(1);
      }
    },
  );

  it('is null with very few examples', () => {
    const classifier = openHead(
      trainHead(setOf(clouds(12, ['a', 'b'], 1)), { kind: 'lda', mode: 'settled' }),
    );
    expect(classifier.predict(new Int16Array(dimensions)).novelty).toBeNull();
  });
});

describe('degenerate sets', () => {
  const vector = quantize(Float32Array.of(1, 2, 0, 0, 0, 0));
  const other = quantize(Float32Array.of(0, 0, 0, 1, 1, 0));
  const zero = new Int16Array(dimensions);
  const make = (list: [string, Int16Array][]) =>
    list.map(([label, values], i) => ({ imageId: `${i}`, label, group: null, vector: values }));
  const cases: [string, LabelledVector[]][] = [
    ['one example', make([['a', vector]])],
    ['one class', clouds(10, ['a'], 1)],
    [
      'one example a class',
      make([
        ['a', vector],
        ['b', other],
      ]),
    ],
    [
      'duplicates only',
      make([
        ['a', vector],
        ['a', vector],
        ['a', vector],
        ['b', other],
        ['b', other],
      ]),
    ],
    [
      'the same vector in all classes',
      make([
        ['a', vector],
        ['b', vector],
        ['b', vector],
        ['a', vector],
      ]),
    ],
    [
      'zero vectors only',
      make([
        ['a', zero],
        ['b', zero],
        ['b', zero],
      ]),
    ],
    [
      'a zero vector among others',
      make([
        ['a', zero],
        ['a', vector],
        ['b', other],
        ['b', other],
      ]),
    ],
    ['more dimensions than examples', clouds(4, ['a', 'b'], 1)],
    ['all of one group', clouds(12, ['a', 'b'], 1).map((each) => ({ ...each, group: 'g' }))],
    ['a group a class', clouds(12, ['a', 'b'], 1).map((each) => ({ ...each, group: each.label }))],
    [
      'many duplicates with one that differs',
      make([
        ...Array.from({ length: 3000 }, (): [string, Int16Array] => ['a', vector]),
        ['b', other],
        ['b', vector],
      ]),
    ],
  ];
  const asked = cases.flatMap(([name, list]) => members.map((member) => ({ name, list, ...member })));
  it.each(asked)('give a valid head: $name, $kind, $mode', ({ list, kind, mode }) => {
    const head = trainHead(setOf(list), { kind, mode });
    const classifier = openHead(head);
    for (const probe of [vector, other, zero]) {
      const { probabilities, label } = classifier.predict(probe);
      expect(head.classes).toContain(label);
      expect(probabilities.reduce((a, b) => a + b)).toBeCloseTo(1, 12);
      for (const value of probabilities) expect(value).toBeGreaterThan(0);
    }
    expect(Object.values(head.measurements).every(Number.isFinite)).toBe(true);
  });

  it('limit confidence by their number of examples', () => {
    const head = trainHead(
      setOf(
        make([
          ['a', vector],
          ['b', other],
        ]),
      ),
      { kind: 'lda', mode: 'settled' },
    );
    const { label, probabilities } = openHead(head).predict(vector);
    expect(label).toBe('a');
    expect(probabilities[0]).toBeGreaterThan(0.6);
    expect(probabilities[0]).toBeLessThan(0.9);
  });
});

describe('errors', () => {
  const head = trainHead(setOf(clouds(10, ['a', 'b'], 1)), { kind: 'lda', mode: 'provisional' });
  it.each([
    ['head-not-ready', () => trainHead(createTrainingSet(options), { kind: 'lda', mode: 'settled' })],
    ['head-invalid', () => trainHead(setOf(clouds(9, ['a'], 1)), { kind: 'mlp', mode: 'settled' })],
    ['head-invalid', () => openHead({ ...head, parameters: head.parameters.subarray(8) })],
    [
      'request-invalid',
      () => trainHead(setOf(clouds(9, ['a'], 1)), { kind: 'lda', mode: 'settled', prior: { a: 0 } }),
    ],
    ['head-invalid', () => openHead({ ...head, parameters: head.parameters.subarray(0, -8) })],
    ['head-invalid', () => openHead({ ...head, classes: ['a'] })],
    ['vector-wrong-dimensions', () => openHead(head).predict(new Int16Array(dimensions + 1))],
  ])('%s', (code, act) => {
    expect(act).toThrow(expect.objectContaining({ code }));
  });
});
