/** Results of each step on numbers and categories, and samples that are insufficient for fitting. */
import type { Stage, StageMethod, Value } from '@headwater/extractors';
import { describe, expect, it } from 'vitest';
import { dimensionReducedVector } from './dimension-reduced-vector.ts';
import { discretizedVector } from './discretized-vector.ts';
import { indicatorVector } from './indicator-vector.ts';
import { integerVector } from './integer-vector.ts';
import { missingImputed } from './missing-imputed.ts';
import { numericVector } from './numeric-vector.ts';
import { standardizedVector } from './standardized-vector.ts';

const { NaN: gap } = Number;
const vector = (...entries: number[]): Value => ({ type: 'vector', vector: Float32Array.from(entries) });
const category = (name: string): Value => ({ type: 'category', category: name });
const tokens = (...all: string[]): Value => ({ type: 'tokens', tokens: all });
const missing: Value = { type: 'missing' };
const record = (attributes: Record<string, string>): Value => {
  return { type: 'record', record: { image: new Uint8Array(), attributes } };
};

function fit(method: StageMethod, options: unknown, sample: readonly Value[]) {
  const fitting = method.fit?.(options);
  for (const value of sample) fitting?.add(value);
  return fitting?.finish();
}

async function learn(method: StageMethod, options: unknown, sample: readonly Value[]): Promise<Stage> {
  return method.open(options, fit(method, options, sample));
}

async function given(stage: Stage, value: Value): Promise<number[]> {
  const answer = await stage.apply(value);
  if (answer.type !== 'vector') throw new Error(`gave ${answer.type}`);
  expect(answer.vector).toHaveLength(stage.dimensions ?? -1);
  return [...answer.vector];
}

const code = (expected: string) => expect.objectContaining({ code: expected });
const insufficient = code('sample-insufficient');
const unfit = code('record-unfit');

describe('numeric-vector', () => {
  it('reads one number', async () => {
    const stage = await numericVector.open({}, undefined);
    expect(await given(stage, { type: 'number', number: 1.5 })).toEqual([1.5]);
    expect(await given(stage, { type: 'text', text: ' -2.5e1 ' })).toEqual([-25]);
    expect(await given(stage, category('.5'))).toEqual([0.5]);
    for (const text of ['', ' NA ', 'NaN']) expect(await given(stage, { type: 'text', text })).toEqual([gap]);
    expect(await given(stage, missing)).toEqual([gap]);
  });

  it('reads named attributes in their order, with gaps for missing ones', async () => {
    const stage = await numericVector.open({ attributes: ['width', 'weight', 'toString'] }, undefined);
    expect(await given(stage, record({ weight: '3', width: '12' }))).toEqual([12, 3, gap]);
  });

  it.each(['twelve', '1,5', '0x10', 'Infinity', '1e39', '1e999', '--1', '1 2'])(
    'refuses %s',
    async (text) => {
      const stage = await numericVector.open({}, undefined);
      expect(() => stage.apply({ type: 'text', text })).toThrow(unfit);
    },
  );

  it('rejects unknown options', () => {
    expect(() => numericVector.open({ attribute: ['a'] }, undefined)).toThrow(code('config-invalid'));
  });
});

describe('standardized-vector', () => {
  it('centres a constant column and keeps missing entries', async () => {
    const stage = await learn(standardizedVector, {}, [vector(1, 5), vector(3, 5)]);
    expect(await given(stage, vector(4, 5))).toEqual([2, 0]);
    expect(await given(stage, vector(gap, 7))).toEqual([gap, 2]);
  });

  it('can skip centring or scaling', async () => {
    const sample = [vector(1), vector(5)];
    expect(await given(await learn(standardizedVector, { centre: false }, sample), vector(8))).toEqual([4]);
    expect(await given(await learn(standardizedVector, { scale: false }, sample), vector(8))).toEqual([5]);
  });

  it('can be fitted on one record, but not on a column without numbers', async () => {
    expect(await given(await learn(standardizedVector, {}, [vector(3)]), vector(4))).toEqual([1]);
    expect(() => fit(standardizedVector, {}, [vector(1, gap), vector(2, gap)])).toThrow(insufficient);
  });

  it('rejects vectors of another length, and infinite ones', async () => {
    const fitting = standardizedVector.fit?.({});
    fitting?.add(vector(1, 2));
    expect(() => fitting?.add(vector(1))).toThrow(unfit);
    expect(() => fitting?.add(vector(1, Number.POSITIVE_INFINITY))).toThrow(unfit);
    expect(fitting?.records).toBe(1);
    const stage = await learn(standardizedVector, {}, [vector(1, 2)]);
    expect(() => stage.apply(vector(1))).toThrow(unfit);
    const other = standardizedVector.fit?.({});
    other?.add(vector(1));
    expect(() => other && fitting?.merge(other)).toThrow(code('statistics-mismatch'));
  });
});

describe('missing-imputed', () => {
  const sample = [vector(1, gap), vector(2, gap), vector(9, 4), missing];

  it('fills in means or medians', async () => {
    const mean = await learn(missingImputed, {}, sample);
    expect(await given(mean, vector(gap, 3))).toEqual([4, 3]);
    expect(await given(mean, missing)).toEqual([4, 4]);
    expect(await given(await learn(missingImputed, { with: 'median' }, sample), missing)).toEqual([2, 4]);
  });

  it('indicates imputed entries', async () => {
    const stage = await learn(missingImputed, { indicate: true }, sample);
    expect(await given(stage, vector(gap, 3))).toEqual([4, 3, 1, 0]);
  });

  it('needs a number in each column, or `otherwise`', async () => {
    const gaps = [vector(1, gap)];
    expect(() => fit(missingImputed, {}, gaps)).toThrow(insufficient);
    expect(() => fit(missingImputed, {}, [missing])).toThrow(insufficient);
    expect(await given(await learn(missingImputed, { otherwise: -1 }, gaps), missing)).toEqual([1, -1]);
  });
});

describe('discretized-vector', () => {
  const sample = [1, 2, 3, 4, 5, 6, 7, 8].map((entry) => vector(entry, 5));

  it('gives bins of equally many values', async () => {
    const stage = await learn(discretizedVector, { bins: 2 }, sample);
    expect(await given(stage, vector(4, 5))).toEqual([0, 0]);
    expect(await given(stage, vector(4.5, 6))).toEqual([1, 0]);
    expect(await given(stage, vector(-100, gap))).toEqual([0, gap]);
  });

  it('gives one entry for each bin, and one for a constant column', async () => {
    const stage = await learn(discretizedVector, { bins: 3, edges: 'uniform', as: 'indicator' }, sample);
    expect(await given(stage, vector(8, 5))).toEqual([0, 0, 1, 1]);
    expect(await given(stage, vector(gap, 5))).toEqual([0, 0, 0, 1]);
  });

  it('cannot be fitted on a column without numbers', () => {
    expect(() => fit(discretizedVector, {}, [vector(1, gap)])).toThrow(insufficient);
  });
});

describe('integer-vector', () => {
  const sample = ['b', 'a', 'b', 'é', '\u{1f600}', '\u{ffee}'].map(category);

  it('codes categories in the order of their UTF-8 bytes', async () => {
    const stage = await learn(integerVector, {}, sample);
    const codes = await Promise.all(
      ['a', 'b', 'é', '\u{ffee}', '\u{1f600}', 'c'].map((one) => given(stage, category(one))),
    );
    expect(codes.flat()).toEqual([0, 1, 2, 3, 4, -1]);
    expect(await given(stage, missing)).toEqual([gap]);
  });

  it('codes the first words of a text', async () => {
    const stage = await learn(integerVector, { length: 3 }, [tokens('a', 'b')]);
    expect(await given(stage, tokens('b', 'x'))).toEqual([1, -1, -2]);
    expect(await given(stage, tokens('a', 'a', 'b', 'b'))).toEqual([0, 0, 1]);
  });

  it('rejects unknown categories with the option `refuse`', async () => {
    const stage = await learn(integerVector, { unknown: 'refuse' }, sample);
    expect(() => stage.apply(category('c'))).toThrow(unfit);
  });
});

describe('indicator-vector', () => {
  it('keeps the most frequent categories, with zeros for others', async () => {
    const stage = await learn(indicatorVector, { limit: 2 }, ['c', 'a', 'c', 'b', 'b', 'd'].map(category));
    expect(await given(stage, category('b'))).toEqual([1, 0]);
    expect(await given(stage, category('c'))).toEqual([0, 1]);
    expect(await given(stage, category('a'))).toEqual([0, 0]);
    expect(await given(stage, missing)).toEqual([0, 0]);
    expect(await given(stage, tokens('c', 'b', 'b'))).toEqual([1, 1]);
  });

  it('needs a category that is frequent enough', () => {
    expect(() => fit(indicatorVector, {}, [missing])).toThrow(insufficient);
    expect(() => fit(indicatorVector, { atLeast: 2 }, [category('a'), category('b')])).toThrow(insufficient);
  });

  it('rejects more different categories than the memory limit', () => {
    const fitting = indicatorVector.fit?.({});
    for (let i = 0; i <= 100_000; i++) fitting?.add(category(`category ${i}`));
    expect(() => fitting?.finish()).toThrow(
      expect.objectContaining({ code: 'limit-exceeded', verdict: 'stop' }),
    );
  });
});

describe('dimension-reduced-vector by principal components', () => {
  const line = [-2, -1, 0, 1, 2].map((t) => vector(3 + t, 4 - t, 5));

  it('finds the direction of a line', async () => {
    const stage = await learn(dimensionReducedVector, { dimensions: 1 }, line);
    const [along = 0] = await given(stage, vector(5, 2, 5));
    expect(along).toBeCloseTo(2 * Math.SQRT2, 4);
    const { learned } = fit(dimensionReducedVector, { share: 0.99 }, line) ?? {};
    expect(learned).toMatchObject({ share: expect.closeTo(1, 12), variances: [expect.closeTo(5, 3)] });
    const white = await learn(dimensionReducedVector, { dimensions: 1, whiten: true }, line);
    const [unit = 0] = await given(white, vector(5, 2, 5));
    expect(unit).toBeCloseTo(2 / Math.sqrt(2.5), 4);
  });

  it.each([
    ['one record', [vector(1, 2)]],
    ['records that are alike', [vector(1, 2), vector(1, 2)]],
    ['zeros', [vector(0, 0), vector(0, 0)]],
    ['fewer directions than dimensions', line],
    ['fewer records than dimensions', [vector(1, 2, 3), vector(5, 1, 2)]],
  ])('cannot be fitted to two dimensions on %s', (_, sample) => {
    expect(() => fit(dimensionReducedVector, { dimensions: 2 }, sample)).toThrow(insufficient);
  });

  it('can be fitted on fewer records than dimensions', async () => {
    const wide = [1, 2, 3].map((seed) =>
      vector(...Array.from({ length: 40 }, (_, i) => Math.sin(seed * (i + 1)))),
    );
    const stage = await learn(dimensionReducedVector, { dimensions: 2 }, wide);
    expect(await given(stage, wide[0] ?? missing)).toHaveLength(2);
  });

  it('rejects missing numbers', () => {
    const fitting = dimensionReducedVector.fit?.({ dimensions: 1 });
    expect(() => fitting?.add(vector(1, gap))).toThrow(unfit);
  });

  it('tolerates one vector that is much larger than all others', () => {
    const sample = [vector(1e30, 0), vector(-1e30, 1), vector(1, 1e-30), vector(0, 0)];
    const forward = fit(dimensionReducedVector, { dimensions: 1 }, sample);
    expect(fit(dimensionReducedVector, { dimensions: 1 }, [...sample].reverse())).toEqual(forward);
    expect(forward?.learned).toMatchObject({ share: 1 });
  });

  it('requires either dimensions or a share', () => {
    for (const options of [{}, { dimensions: 2, share: 0.5 }, { using: 'lda', dimensions: 2 }]) {
      expect(() => dimensionReducedVector.fit?.(options)).toThrow(code('config-invalid'));
    }
  });
});

describe('dimension-reduced-vector by random projection', () => {
  const distance = (a: readonly number[], b: readonly number[]) =>
    Math.sqrt(a.reduce((sum, entry, i) => sum + (entry - (b[i] ?? 0)) ** 2, 0));
  const points = [1, 2, 3, 4, 5, 6].map((seed) =>
    Array.from({ length: 300 }, (_, i) => Math.sin(seed * 12.9898 * (i + 1))),
  );

  it.each([true, false])('keeps distances (sparse: %s)', async (sparse) => {
    const options = { using: 'random', dimensions: 256, input: 300, sparse };
    expect(dimensionReducedVector.learns?.(options)).toBe(false);
    const stage = await dimensionReducedVector.open(options, undefined);
    const projected = await Promise.all(points.map((point) => given(stage, vector(...point))));
    for (let i = 1; i < points.length; i++) {
      const ratio =
        distance(projected[0] ?? [], projected[i] ?? []) / distance(points[0] ?? [], points[i] ?? []);
      expect(Math.abs(ratio - 1)).toBeLessThan(0.2);
    }
  });

  it('differs with another seed, including its digest', async () => {
    const options = { using: 'random', dimensions: 8, input: 300 };
    const one = await dimensionReducedVector.open(options, undefined);
    const other = await dimensionReducedVector.open({ ...options, seed: 2 }, undefined);
    expect(other.digest).not.toBe(one.digest);
    const [point = []] = points;
    expect(await given(other, vector(...point))).not.toEqual(await given(one, vector(...point)));
  });

  it('needs no fitting, and rejects a matrix that is too large', () => {
    const options = { using: 'random', dimensions: 2048, input: 65_536 };
    expect(() => dimensionReducedVector.open(options, undefined)).toThrow(code('config-invalid'));
    expect(() => dimensionReducedVector.fit?.({ using: 'random', dimensions: 2, input: 3 })).toThrow(
      code('config-invalid'),
    );
  });
});
