import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { HeadMode, LabelledVector } from '../../api.ts';
import { quantize } from '../../numerics/quantization.ts';
import { createTrainingSet, deserializeTrainingSet } from '../../training-set/training-set.ts';
import { arithmeticOf } from '../arithmetic.ts';
import type { DenseLayer } from '../dense-layers.ts';
import { openHead } from '../head.ts';
import { type LayersTask, trainLayersHead } from './mlp.ts';

const dimensions = 6;

/** Clouds around one corner for each class; every third example belongs to a group of ten. */
function clouds(count: number, labels: readonly string[], first = 0): LabelledVector[] {
  let state = first + 1;
  const random = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
  return Array.from({ length: count }, (_, i) => {
    const corner = i % labels.length;
    const entry = (_: unknown, j: number) => (j === corner ? 1 : 0.2) + 0.8 * (random() + random() - 1);
    return {
      imageId: `image ${first + i}`,
      label: labels[corner] ?? '',
      group: i % 3 === 0 ? `scene ${Math.floor(i / 30)}` : null,
      vector: quantize(Float32Array.from({ length: dimensions }, entry)),
    };
  });
}

function setOf(examples: readonly LabelledVector[]) {
  const set = createTrainingSet({ extractor: 'net.v1', task: 'kind', dimensions });
  for (const example of examples) set.add(example);
  return set;
}

/** The weighted mean of each class as a linear layer, after a layer that passes positive values through. */
async function trainMeans({ vectors, labels, weights, classes, scale }: LayersTask): Promise<DenseLayer[]> {
  const means = Array.from({ length: classes }, () => new Float64Array(dimensions));
  const totals = new Float64Array(classes);
  vectors.forEach((vector, i) => {
    const label = labels[i] ?? 0;
    totals[label] = (totals[label] ?? 0) + (weights[i] ?? 0);
    vector.forEach((value, j) => {
      const mean = means[label];
      if (mean) mean[j] = (mean[j] ?? 0) + (weights[i] ?? 0) * Math.max(0, value * scale);
    });
  });
  const rows = means.map((mean, k) => mean.map((sum) => sum / (totals[k] || 1)));
  const identity = Float32Array.from({ length: dimensions ** 2 }, (_, i) =>
    i % (dimensions + 1) === 0 ? 1 : 0,
  );
  return [
    { inputs: dimensions, weights: identity, biases: new Float32Array(dimensions) },
    {
      inputs: dimensions,
      weights: Float32Array.from(rows.flatMap((row) => [...row])),
      biases: Float32Array.from(rows, (row) => -row.reduce((sum, value) => sum + value * value, 0) / 2),
    },
  ];
}

const settled = { mode: 'settled' } as const;

/**
 * By arithmetic number and mode, SHA-256 over the digests of heads whose layers are means. They cover everything in this
 * package: the training data of the layers, the calibration, and the bytes, on every machine. The gradient descent itself runs
 * in TensorFlow.js with the machine's backend and has the same bits on one machine only; the tests of its trainer and of
 * classify's solver cover it.
 */
const recorded: Readonly<Record<string, string>> = {
  'mlp 1, provisional': '6e20b35b2a28a61999454ac62880ff21ba7c82979a7409f0e4c167fd9087721f',
  'mlp 1, settled': '26cfae71515fe39289816e3bf988fc6b992d51967fe02463ca4ea5ed8d040955',
};

describe('a head of fully connected layers', () => {
  it('predicts with its layers, calibrated on unseen examples', async () => {
    const seen: LayersTask[] = [];
    const set = setOf(clouds(600, ['a', 'b', 'c']));
    const head = await trainLayersHead(set, settled, (task) => {
      seen.push(task);
      return trainMeans(task);
    });
    const { sample = 0, heldOut = 0, heldOutAccuracy = 0 } = head.measurements;
    expect(seen[0]?.vectors.length).toBe(sample);
    expect(sample + heldOut).toBe(600);
    expect(heldOut).toBeGreaterThan(20);
    const classifier = openHead(head);
    const answers = clouds(600, ['a', 'b', 'c'], 1_000).map(({ vector, label }) => ({
      ...classifier.predict(vector),
      truth: label,
    }));
    const accuracy = answers.filter(({ label, truth }) => label === truth).length / answers.length;
    expect(accuracy).toBeGreaterThan(0.8);
    expect(Math.abs(accuracy - heldOutAccuracy)).toBeLessThan(0.15);
    for (const { probabilities } of answers) expect(probabilities.reduce((a, b) => a + b)).toBeCloseTo(1, 12);
    const meanConfidence =
      answers.reduce((sum, { probabilities }) => sum + Math.max(...probabilities), 0) / 600;
    expect(Math.abs(meanConfidence - accuracy)).toBeLessThan(0.1);
  });

  it('holds out members of a group together', async () => {
    const set = setOf(clouds(900, ['a', 'b']));
    const all = new Map(clouds(900, ['a', 'b']).map((example) => [example.vector.join(), example.group]));
    let groups = new Set<string | null | undefined>();
    const head = await trainLayersHead(set, settled, (task) => {
      groups = new Set(task.vectors.map((vector) => all.get(vector.join())));
      return trainMeans(task);
    });
    const every = new Set(all.values());
    expect(groups.size).toBeLessThan(every.size);
    const inGroupsLearned = [...all.values()].filter((group) => group !== null && groups.has(group)).length;
    const learnedGrouped = head.measurements.sample ?? 0;
    expect(learnedGrouped).toBeGreaterThanOrEqual(inGroupsLearned);
  });

  it('is the same for the same set and trainer, after any history', async () => {
    const examples = clouds(120, ['a', 'b', 'c']);
    const [extra] = clouds(1, ['a'], 5_000);
    const expected = await trainLayersHead(setOf(examples), settled, trainMeans);
    const other = setOf([...examples].reverse());
    if (extra) {
      other.add(extra);
      other.remove(extra);
    }
    const again = await trainLayersHead(deserializeTrainingSet(other.serialize()), settled, trainMeans);
    expect(again).toEqual(expected);
  });

  it.each<HeadMode>(['provisional', 'settled'])(
    'has the recorded digests for the same layers, %s',
    async (mode) => {
      const sets = [
        clouds(600, ['a', 'b', 'c']),
        clouds(9, ['a', 'b']),
        [...clouds(400, ['a', 'b']), ...clouds(3, ['x', 'x', 'c'], 9_000).slice(2)],
      ];
      const hash = createHash('sha256');
      for (const set of sets) hash.update((await trainLayersHead(setOf(set), { mode }, trainMeans)).digest);
      const asked = `mlp ${arithmeticOf('mlp')}, ${mode}`;
      const advice =
        'different bits: increase the number in arithmetic.ts and add the new digests; recorded ones stay';
      expect({ [asked]: hash.digest('hex') }, advice).toEqual({ [asked]: recorded[asked] });
    },
  );

  it('trains on all examples of small classes and weighs classes equally', async () => {
    const set = setOf([
      ...clouds(400, ['a', 'b']),
      ...clouds(15, ['x', 'x', 'c'], 9_000).filter(({ label }) => label === 'c'),
    ]);
    await trainLayersHead(set, settled, (task) => {
      const own = [...task.labels].flatMap((label, i) => (label === 2 ? [task.weights[i] ?? 0] : []));
      const total = task.weights.reduce((sum, weight) => sum + weight, 0);
      expect(own.length).toBe(5);
      expect(own.reduce((sum, weight) => sum + weight, 0) / total).toBeCloseTo(1 / 3, 5);
      return trainMeans(task);
    });
  });

  it('follows the prior, and has low confidence with one class or one example', async () => {
    const set = setOf(clouds(90, ['a', 'a', 'b']));
    const share = async (prior: 'uniform' | Record<string, number>) => {
      const classifier = openHead(await trainLayersHead(set, { ...settled, prior }, trainMeans));
      return clouds(300, ['a', 'b'], 777).filter(({ vector }) => classifier.predict(vector).label === 'a')
        .length;
    };
    expect(await share({ a: 1e-9 })).toBe(0);
    expect(await share({ b: 1e-9 })).toBe(300);
    const lonely = await trainLayersHead(setOf(clouds(1, ['a'])), settled, trainMeans);
    const answer = openHead(lonely).predict(quantize(Float32Array.of(1, 0, 0, 0, 0, 0)));
    expect(answer).toMatchObject({ label: 'a', novelty: null });
    await expect(trainLayersHead(setOf([]), settled, trainMeans)).rejects.toMatchObject({
      code: 'head-not-ready',
    });
  });

  it('rejects invalid bytes', async () => {
    const head = await trainLayersHead(setOf(clouds(30, ['a', 'b'])), settled, trainMeans);
    for (const parameters of [
      head.parameters.subarray(0, -1),
      head.parameters.subarray(4),
      new Uint8Array(),
    ]) {
      expect(() => openHead({ ...head, parameters })).toThrow(
        expect.objectContaining({ code: 'head-invalid' }),
      );
    }
    expect(() => openHead({ ...head, dimensions: 7 })).toThrow(
      expect.objectContaining({ code: 'head-invalid' }),
    );
    expect(() => openHead(head).predict(new Int16Array(7))).toThrow(
      expect.objectContaining({ code: 'vector-wrong-dimensions' }),
    );
  });
});
