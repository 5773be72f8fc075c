/** Results must equal those of NumPy and scikit-learn, which reference/make.py recorded. */
import { readFileSync } from 'node:fs';
import type { FittedArtefact, Stage, StageMethod, Value } from '@headwater/extractors';
import { expect, it } from 'vitest';
import { z } from 'zod';
import { dimensionReducedVector } from '../methods/numbers/dimension-reduced-vector.ts';
import { discretizedVector } from '../methods/numbers/discretized-vector.ts';
import { missingImputed } from '../methods/numbers/missing-imputed.ts';
import { standardizedVector } from '../methods/numbers/standardized-vector.ts';
import { murmur3 } from '../methods/text/murmur3.ts';
import { tfidf } from '../methods/text/tfidf.ts';

const matrix = z.array(z.array(z.number()));
const terms = z.object({ terms: z.array(z.string()), vectors: matrix });
const reference = z
  .object({
    pca: z.object({
      vectors: matrix,
      components: matrix,
      variances: z.array(z.number()),
      share: z.number(),
      reduced: matrix,
    }),
    columns: matrix,
    gaps: z.array(z.array(z.number().nullable())),
    standardized: matrix,
    means: z.array(z.number()),
    medians: z.array(z.number()),
    quantileEdges: matrix,
    quantileBins: matrix,
    uniformEdges: matrix,
    tokens: z.array(z.array(z.string())),
    tfidf: terms,
    tfidfPairs: terms,
    murmur3: z.record(z.string(), z.number()),
  })
  .parse(JSON.parse(readFileSync(new URL('reference/reference.json', import.meta.url), 'utf8')));

const vectorValue = (row: readonly (number | null)[]): Value => {
  return { type: 'vector', vector: Float32Array.from(row, (entry) => entry ?? Number.NaN) };
};
const tokensValue = (tokens: readonly string[]): Value => ({ type: 'tokens', tokens });

async function learn(
  method: StageMethod,
  options: unknown,
  sample: readonly Value[],
): Promise<{ stage: Stage; artefact: FittedArtefact; vectors: number[][] }> {
  const fitting = method.fit?.(options);
  for (const value of sample) fitting?.add(value);
  const artefact = fitting?.finish();
  if (artefact === undefined) throw new Error('cannot be fitted');
  const stage = await method.open(options, artefact);
  const given = await Promise.all(sample.map((value) => stage.apply(value)));
  return {
    stage,
    artefact,
    vectors: given.map((value) => (value.type === 'vector' ? [...value.vector] : [])),
  };
}

/** Largest difference, as a share of the largest expected number. */
function difference(found: readonly (readonly number[])[], expected: readonly (readonly number[])[]): number {
  const scale = Math.max(...expected.flat().map(Math.abs));
  expect(found.map((row) => row.length)).toEqual(expected.map((row) => row.length));
  return (
    Math.max(
      ...expected.flatMap((row, i) => row.map((entry, j) => Math.abs(entry - (found[i]?.[j] ?? Number.NaN)))),
    ) / scale
  );
}

it('dimension-reduced-vector finds the principal components of scikit-learn', async () => {
  const { pca } = reference;
  const { vectors, artefact } = await learn(
    dimensionReducedVector,
    { dimensions: 4 },
    pca.vectors.map(vectorValue),
  );
  expect(difference(vectors.slice(0, 5), pca.reduced)).toBeLessThan(1e-4);
  expect(difference([artefact.learned.variances as number[]], [pca.variances])).toBeLessThan(1e-4);
  expect(artefact.learned.share).toBeCloseTo(pca.share, 5);
  const flat = Buffer.from(String(artefact.learned.components), 'base64');
  const components = [...new Float32Array(Uint8Array.from(flat).buffer)];
  expect(difference([components], [pca.components.flat()])).toBeLessThan(1e-3);
});

it('standardized-vector agrees with StandardScaler', async () => {
  const { vectors } = await learn(standardizedVector, {}, reference.columns.map(vectorValue));
  expect(difference(vectors.slice(0, 5), reference.standardized)).toBeLessThan(1e-7);
});

it('missing-imputed agrees with SimpleImputer', async () => {
  const sample = reference.gaps.map(vectorValue);
  for (const [strategy, expected] of [
    ['mean', reference.means],
    ['median', reference.medians],
  ] as const) {
    const { stage } = await learn(missingImputed, { with: strategy }, sample);
    const filled = await stage.apply({ type: 'missing' });
    expect(filled).toMatchObject({ type: 'vector' });
    const vector = filled.type === 'vector' ? [...filled.vector] : [];
    vector.forEach((entry, i) => {
      const wanted = expected[i] ?? Number.NaN;
      expect(Math.abs(entry - wanted)).toBeLessThanOrEqual(1e-7 * Math.abs(wanted));
    });
  }
});

it('discretized-vector finds the bins of KBinsDiscretizer', async () => {
  const sample = reference.columns.map(vectorValue);
  const quantile = await learn(discretizedVector, {}, sample);
  expect(quantile.artefact.learned.edges).toEqual(
    reference.quantileEdges.map((edges) => edges.map((edge) => expect.closeTo(edge, 9))),
  );
  expect(quantile.vectors).toEqual(reference.quantileBins);
  const uniform = await learn(discretizedVector, { edges: 'uniform' }, sample);
  expect(uniform.artefact.learned.edges).toEqual(
    reference.uniformEdges.map((edges) => edges.map((edge) => expect.closeTo(edge, 9))),
  );
});

it('tfidf weighs terms as TfidfVectorizer does', async () => {
  const sample = reference.tokens.map(tokensValue);
  const plain = await learn(tfidf, {}, sample);
  expect(plain.artefact.learned.terms).toEqual(reference.tfidf.terms);
  expect(difference(plain.vectors, reference.tfidf.vectors)).toBeLessThan(1e-7);
  const options = { grams: 2, sublinear: true, atLeast: 2, atMost: 0.6, normalize: 'none' };
  const pairs = await learn(tfidf, options, sample);
  expect(pairs.artefact.learned.terms).toEqual(reference.tfidfPairs.terms);
  expect(difference(pairs.vectors, reference.tfidfPairs.vectors)).toBeLessThan(1e-7);
});

it('tfidf hashes terms as scikit-learn does', () => {
  for (const [text, hash] of Object.entries(reference.murmur3)) expect(murmur3(text)).toBe(hash);
});

it('methods have the same artefacts on every machine', async () => {
  const [columns, gaps, tokens] = [
    reference.columns.map(vectorValue),
    reference.gaps.map(vectorValue),
    reference.tokens.map(tokensValue),
  ];
  // Wide enough for the SIMD kernel, with numbers that are the same on every engine.
  const wide = Array.from({ length: 90 }, (_, n) =>
    vectorValue(Array.from({ length: 70 }, (__, i) => ((n * 7919 + i * i * 104729) % 1009) / 256 - i)),
  );
  const cases = [
    [standardizedVector, {}, gaps],
    [missingImputed, { with: 'median' }, gaps],
    [discretizedVector, { bins: 7 }, columns],
    [dimensionReducedVector, { dimensions: 9 }, wide],
    [dimensionReducedVector, { share: 0.9 }, reference.pca.vectors.map(vectorValue)],
    [tfidf, { grams: 2 }, tokens],
  ] as const;
  const digests = await Promise.all(
    cases.map(async ([method, options, sample]) => {
      const { artefact } = await learn(method, options, sample);
      return artefact.digest.slice(0, 16);
    }),
  );
  expect(digests).toMatchInlineSnapshot(`
    [
      "54528d8ee0ccaa60",
      "ac796d6604cca5a4",
      "a9d0147b6d81f7cd",
      "316bce1c130f684c",
      "eacf921a7dbe19d1",
      "2131639516dfee4c",
    ]
  `);
  const project = await dimensionReducedVector.open({ using: 'random', dimensions: 3, input: 70 }, undefined);
  const projected = await Promise.all(wide.slice(0, 2).map((value) => project.apply(value)));
  expect(projected).toMatchInlineSnapshot(`
    [
      {
        "type": "vector",
        "vector": Float32Array [
          -25.44140625,
          192.06640625,
          -108.03515625,
        ],
      },
      {
        "type": "vector",
        "vector": Float32Array [
          -24.84375,
          190.515625,
          -105.2890625,
        ],
      },
    ]
  `);
});
