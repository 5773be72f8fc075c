/**
 * The laws of every method that is fitted: the artefact is a function of the set of records. No order, grouping, merge or JSON
 * round trip changes a bit of it; a reopened artefact gives the same vectors; an altered one does not open.
 */
import type { FittedArtefact, Fitting, FittingState, StageMethod, Value } from '@headwater/extractors';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { stageMethods } from '../methods/method-table.ts';
import { dimensionReducedVector } from '../methods/numbers/dimension-reduced-vector.ts';
import { discretizedVector } from '../methods/numbers/discretized-vector.ts';
import { indicatorVector } from '../methods/numbers/indicator-vector.ts';
import { integerVector } from '../methods/numbers/integer-vector.ts';
import { missingImputed } from '../methods/numbers/missing-imputed.ts';
import { standardizedVector } from '../methods/numbers/standardized-vector.ts';
import { tfidf } from '../methods/text/tfidf.ts';

interface Member {
  readonly method: StageMethod;
  readonly options: unknown;
  readonly value: fc.Arbitrary<Value>;
}

/** From the smallest to the largest float32, with frequent duplicates. */
const finite = fc.oneof(
  fc.float({ noNaN: true, noDefaultInfinity: true }),
  fc.integer({ min: -3, max: 3 }).map((integer) => integer / 2),
  fc.constantFrom(-0, 1.401298464324817e-45, -3.4028234663852886e38, 1e30),
);
const vectors = (entry: fc.Arbitrary<number>): fc.Arbitrary<Value> =>
  fc.array(entry, { minLength: 5, maxLength: 5 }).map((entries) => {
    return { type: 'vector', vector: Float32Array.from(entries) };
  });
const complete = vectors(finite);
const withGaps = vectors(fc.oneof({ arbitrary: finite, weight: 4 }, fc.constant(Number.NaN)));
const word = fc.oneof(
  fc.constantFrom('a', 'b', 'é', 'ﬁ', '\u{1f600}', '__proto__', 'constructor', ''),
  fc.string({ maxLength: 3, unit: 'binary' }),
);
const missing = fc.constant<Value>({ type: 'missing' });
const category = word.map((one): Value => ({ type: 'category', category: one }));
const tokens = fc.array(word, { maxLength: 8 }).map((all): Value => ({ type: 'tokens', tokens: all }));

const members: readonly Member[] = [
  { method: standardizedVector, options: {}, value: withGaps },
  { method: missingImputed, options: { otherwise: 7 }, value: fc.oneof(withGaps, missing) },
  { method: missingImputed, options: { with: 'median', otherwise: 7, indicate: true }, value: withGaps },
  { method: discretizedVector, options: { bins: 3 }, value: withGaps },
  { method: discretizedVector, options: { edges: 'uniform', as: 'indicator' }, value: complete },
  { method: dimensionReducedVector, options: { dimensions: 2 }, value: complete },
  { method: dimensionReducedVector, options: { share: 0.9, whiten: true }, value: complete },
  { method: indicatorVector, options: { limit: 3 }, value: fc.oneof(category, tokens, missing) },
  { method: integerVector, options: { length: 4 }, value: fc.oneof(tokens, missing) },
  { method: tfidf, options: { limit: 5, grams: 2 }, value: fc.oneof(tokens, missing) },
  { method: tfidf, options: { hashed: 8, sublinear: true }, value: tokens },
];

function start({ method, options }: Member): Fitting {
  if (method.fit === undefined) throw new Error(`${method.method} cannot be fitted`);
  return method.fit(options);
}

function learn(member: Member, sample: readonly Value[]): Fitting {
  const fitting = start(member);
  for (const value of sample) fitting.add(value);
  return fitting;
}

/** The artefact as it is saved, or the error code if there is none. */
function outcome(fitting: Fitting): string {
  try {
    return JSON.stringify(fitting.finish());
  } catch (error) {
    return (error as { code: string }).code;
  }
}

function throughJson(member: Member, fitting: Fitting): Fitting {
  const state = JSON.parse(JSON.stringify(fitting.save())) as FittingState;
  return member.method.resume?.(state) ?? fitting;
}

async function bitsOf(member: Member, artefact: FittedArtefact, sample: readonly Value[]): Promise<string> {
  const stage = await member.method.open(member.options, artefact);
  const given = await Promise.all(sample.map((value) => stage.apply(value)));
  const vectors = given.map((value) => {
    if (value.type !== 'vector' || value.vector.length !== stage.dimensions)
      throw new Error('the vector is missing');
    return Buffer.from(value.vector.slice().buffer).toString('hex');
  });
  return [stage.digest, ...vectors].join();
}

/** A sample, the same in another order, and positions to split the second. */
const shuffled = (value: fc.Arbitrary<Value>) =>
  fc
    .array(value, { minLength: 1, maxLength: 24 })
    .chain((sample) =>
      fc.tuple(
        fc.constant(sample),
        fc.shuffledSubarray(sample, { minLength: sample.length }),
        fc.nat(sample.length),
      ),
    );

it('the laws cover every method that is fitted', () => {
  const learning = stageMethods().filter((method) => method.fit !== undefined);
  expect(new Set(members.map(({ method }) => method))).toEqual(new Set(learning));
  for (const method of learning) expect(method.resume).toBeDefined();
});

describe.each(
  members.map((member) => [`${member.method.method} ${JSON.stringify(member.options)}`, member] as const),
)('%s', (_, member) => {
  it('has the same artefact in any order and grouping, merged, and through JSON', () => {
    fc.assert(
      fc.property(shuffled(member.value), ([sample, other, cut]) => {
        const expected = outcome(learn(member, sample));
        expect(outcome(learn(member, other))).toBe(expected);
        const merged = learn(member, other.slice(cut));
        merged.merge(throughJson(member, learn(member, other.slice(0, cut))));
        expect(merged.records).toBe(sample.length);
        expect(outcome(merged)).toBe(expected);
        const resumed = throughJson(member, learn(member, other.slice(0, cut)));
        for (const value of other.slice(cut)) resumed.add(value);
        expect(outcome(resumed)).toBe(expected);
        expect(JSON.stringify(resumed.save())).toBe(JSON.stringify(learn(member, sample).save()));
      }),
      { numRuns: 40 },
    );
  });

  it('gives the same bits after saving and reopening', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(member.value, { minLength: 1, maxLength: 12 }), async (sample) => {
        const found = outcome(learn(member, sample));
        fc.pre(found.startsWith('{'));
        const artefact = learn(member, sample).finish();
        const again = JSON.parse(found) as FittedArtefact;
        expect(await bitsOf(member, again, sample)).toBe(await bitsOf(member, artefact, sample));
      }),
      { numRuns: 20 },
    );
  });

  it('does not open when a byte of its artefact was changed', async () => {
    const sample = fc.sample(member.value, { numRuns: 40, seed: 5 });
    const text = outcome(learn(member, sample));
    expect(text).toMatch(/^\{/);
    for (let at = 1; at < text.length; at += Math.ceil(text.length / 100)) {
      const altered = `${text.slice(0, at)}${text[at] === '7' ? '8' : '7'}${text.slice(at + 1)}`;
      let content: FittedArtefact;
      try {
        content = JSON.parse(altered) as FittedArtefact;
      } catch {
        continue;
      }
      // A different notation of the same double is equivalent.
      if (JSON.stringify(content) === text) continue;
      await expect((async () => member.method.open(member.options, content))()).rejects.toMatchObject({
        code: 'model-invalid',
      });
    }
  });

  it('does not open without an artefact, or with that of other options', async () => {
    const open = async (options: unknown, artefact?: FittedArtefact) => member.method.open(options, artefact);
    await expect(open(member.options)).rejects.toMatchObject({ code: 'config-invalid' });
    const artefact = learn(member, fc.sample(member.value, { numRuns: 40, seed: 5 })).finish();
    const foreign = members.find(({ method }) => method !== member.method) ?? member;
    await expect((async () => foreign.method.open(foreign.options, artefact))()).rejects.toMatchObject({
      code: 'model-invalid',
    });
    await expect(open({ nonsense: 1 }, artefact)).rejects.toMatchObject({ code: 'config-invalid' });
  });

  it('fails without records, and merges only with the same method and options', () => {
    expect(outcome(start(member))).toBe('sample-insufficient');
    const foreign = members.find(({ method }) => method !== member.method) ?? member;
    expect(() => start(member).merge(start(foreign))).toThrow(/only a fitting of/);
    const one = start(member);
    expect(() => one.merge(one)).toThrow(/only a fitting of/);
  });

  it('does not resume a saved fitting that is damaged or of another method', () => {
    const state = learn(member, fc.sample(member.value, { numRuns: 40, seed: 5 })).save();
    const [name = ''] = Object.keys(state.state);
    const damaged = [
      { ...state, state: {} },
      { ...state, state: { ...state.state, [name]: 'AAAA' } },
      { ...state, formatVersion: 99 },
      { ...state, records: -1 },
      { ...state, method: 'another' },
      { ...state, options: { nonsense: 1 } },
    ];
    for (const one of damaged) {
      expect(() => member.method.resume?.(one)).toThrow(expect.objectContaining({ code: 'config-invalid' }));
    }
  });

  it('rejects values of other types and continues', () => {
    const sample = fc.sample(member.value, { numRuns: 40, seed: 5 });
    const fitting = learn(member, sample);
    expect(() => fitting.add({ type: 'number', number: 1 })).toThrow(
      expect.objectContaining({ code: 'record-unfit' }),
    );
    expect(fitting.records).toBe(40);
    expect(outcome(fitting)).toBe(outcome(learn(member, sample)));
  });
});
