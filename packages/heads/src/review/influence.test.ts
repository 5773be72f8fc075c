/** Compares the closed form with direct computation: leave one out, sum again, invert again. */
import { describe, expect, it } from 'vitest';
import type { LabelledVector } from '../api.ts';
import { openHead, trainHead } from '../models/head.ts';
import { quantize } from '../numerics/quantization.ts';
import { createTrainingSet } from '../training-set/training-set.ts';
import { type InfluenceTarget, rankInfluences } from './influence.ts';

const width = 4;
const names = ['ant', 'bee', 'cow'];
type Row = readonly number[];

function drawExamples(count: number): LabelledVector[] {
  let state = 17;
  const next = () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  return Array.from({ length: count }, (_, index) => {
    const vector = Float32Array.from({ length: width }, (_, i) => (i === index % 3 ? 1 : 0) + next() - 0.5);
    return {
      imageId: `image-${index}`,
      label: names[index % 3] ?? '',
      group: null,
      vector: quantize(vector),
    };
  });
}

const examples = drawExamples(31);
const set = createTrainingSet({ extractor: 'test.v1', task: 'animal', dimensions: width });
for (const example of examples) set.add(example);
const head = trainHead(set, { kind: 'lda', mode: 'settled' });

const minus = (a: Row, b: Row) => a.map((value, i) => value - (b[i] ?? 0));
const inner = (a: Row, b: Row) => a.reduce((sum, value, i) => sum + value * (b[i] ?? 0), 0);
const rowsOf = (some: readonly LabelledVector[], label: string) =>
  some.filter((one) => one.label === label).map(({ vector }) => [...vector]);
const meanOf = (rows: readonly Row[]) =>
  Array.from({ length: width }, (_, i) => rows.reduce((sum, row) => sum + (row[i] ?? 0), 0) / rows.length);

function scatterOf(some: readonly LabelledVector[]): number[][] {
  const deviations = names.flatMap((label) => {
    const rows = rowsOf(some, label);
    return rows.map((row) => minus(row, meanOf(rows)));
  });
  return Array.from({ length: width }, (_, i) =>
    Array.from({ length: width }, (_, j) =>
      deviations.reduce((sum, u) => sum + (u[i] ?? 0) * (u[j] ?? 0), 0),
    ),
  );
}

/** A⁻¹ b by Gauss–Jordan elimination; A is positive definite. */
function solve(matrix: readonly Row[], b: Row): number[] {
  const rows = matrix.map((row, i) => [...row, b[i] ?? 0]);
  for (let k = 0; k < width; k++) {
    const pivot = (rows[k] ?? []).map((value) => value / (rows[k]?.[k] ?? 1));
    rows[k] = pivot;
    for (const [i, row] of rows.entries()) {
      if (i !== k) rows[i] = row.map((value, j) => value - (row[k] ?? 0) * (pivot[j] ?? 0));
    }
  }
  return rows.map((row) => row[width] ?? 0);
}

/** −ln p of the target, with ε and T of the head, ρ of the whole set, and all sums of `some`. */
function lossOf(some: readonly LabelledVector[], target: InfluenceTarget): number {
  const epsilon = head.regularization ?? Number.NaN;
  const whole = scatterOf(examples);
  const ridge = (epsilon * whole.reduce((sum, row, i) => sum + (row[i] ?? 0), 0)) / width;
  const scatter = scatterOf(some);
  const shrunk = scatter.map((row, i) =>
    row.map((value, j) => (1 - epsilon) * value + (i === j ? ridge : 0)),
  );
  const columns = scatter.map((_, j) =>
    solve(
      shrunk,
      scatter.map((row) => row[j] ?? 0),
    ),
  );
  const effective = columns.reduce((sum, column, i) => sum + (column[i] ?? 0), 0);
  const logits = names.map((label) => {
    const rows = rowsOf(some, label);
    const gap = minus([...target.vector], meanOf(rows));
    const distance = some.length * inner(gap, solve(shrunk, gap)) - effective / rows.length;
    return (-0.5 * distance) / head.temperature;
  });
  const highest = Math.max(...logits);
  const sum = logits.reduce((total, logit) => total + Math.exp(logit - highest), 0);
  return highest + Math.log(sum) - (logits[names.indexOf(target.label)] ?? Number.NaN);
}

describe('rankInfluences', () => {
  it('equals the change of the loss of the targets without an example', () => {
    const targets = examples.slice(0, 7);
    const { helpful, harmful } = rankInfluences(set, examples, targets, { head, limit: 100 });
    expect(helpful.length + harmful.length).toBe(examples.length);
    for (const { imageId, influence } of [...helpful, ...harmful]) {
      const rest = examples.filter((example) => example.imageId !== imageId);
      const evaluated = targets.filter((target) => target.imageId !== imageId);
      const changes = evaluated.map((target) => lossOf(rest, target) - lossOf(examples, target));
      expect(influence).toBeCloseTo(changes.reduce((sum, one) => sum + one, 0) / changes.length, 9);
    }
  });

  it('orders both sides by decreasing strength', () => {
    const { helpful, harmful } = rankInfluences(set, examples, examples, { head, limit: 5 });
    const sorted = (values: readonly number[]) => [...values].sort((a, b) => b - a);
    const strengths = helpful.map(({ influence }) => influence);
    const damages = harmful.map(({ influence }) => -influence);
    expect(strengths).toEqual(sorted(strengths));
    expect(damages).toEqual(sorted(damages));
    expect(Math.min(...strengths)).toBeGreaterThan(0);
  });

  it('ranks a wrong label as harmful', () => {
    const wrong = { ...drawExamples(32)[31], imageId: 'wrong', label: 'ant' } as LabelledVector;
    expect(names[31 % 3]).not.toBe('ant');
    const other = createTrainingSet({ extractor: 'test.v1', task: 'animal', dimensions: width });
    for (const example of [...examples, wrong]) other.add(example);
    const { harmful } = rankInfluences(other, [...examples, wrong], examples, { limit: 1 });
    expect(harmful[0]?.imageId).toBe('wrong');
  });

  it('ranks near-duplicates of the predicted class as most helpful to a prediction', () => {
    const [first] = examples;
    if (first === undefined) throw new RangeError('the first example is missing');
    const { label } = openHead(head).predict(first.vector);
    const { helpful } = rankInfluences(set, examples, [{ imageId: 'asked', label, vector: first.vector }], {
      head,
    });
    expect(helpful.map(({ imageId }) => imageId)).toContain(first.imageId);
  });

  it('is empty for targets of unknown classes and for a set with one class', () => {
    const unknown = { imageId: 'x', label: 'dodo', vector: new Int16Array(width) };
    expect(rankInfluences(set, examples, [unknown], { head })).toEqual({ helpful: [], harmful: [] });
    const ants = examples.filter(({ label }) => label === 'ant');
    const single = createTrainingSet({ extractor: 'test.v1', task: 'animal', dimensions: width });
    for (const ant of ants) single.add(ant);
    expect(rankInfluences(single, ants, ants)).toEqual({ helpful: [], harmful: [] });
  });
});
