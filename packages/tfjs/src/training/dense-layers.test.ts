import { beforeAll, describe, expect, it } from 'vitest';
import { startBackend } from '../engine/backend.ts';
import { tf } from '../engine/tensorflow.ts';
import { type DenseTraining, type TrainedDenseLayer, trainDenseLayers } from './dense-layers.ts';
import { randomNumbers } from './labelled-images.ts';

const dimensions = 4;

/** Two classes that no straight line separates: the sign of the product of the first two entries. */
function crossedCorners(count: number): DenseTraining {
  const random = randomNumbers(7);
  const vectors = Array.from({ length: count }, () =>
    Int16Array.from({ length: dimensions }, () => Math.round(8192 * (2 * random() - 1))),
  );
  return {
    dimensions,
    classes: 2,
    vectors,
    scale: 1 / 8192,
    labels: Int32Array.from(vectors, ([a = 0, b = 0]) => (a * b > 0 ? 1 : 0)),
    weights: new Float32Array(count).fill(1),
  };
}

function answer(layers: readonly TrainedDenseLayer[], vector: Int16Array, scale: number): number {
  let values = Array.from(vector, (value) => value * scale);
  layers.forEach(({ inputs, weights, biases }, index) => {
    const sums = Array.from(biases, (bias, o) =>
      values.reduce((sum, value, i) => sum + value * (weights[o * inputs + i] ?? 0), bias),
    );
    values = index < layers.length - 1 ? sums.map((sum) => Math.max(0, sum)) : sums;
  });
  return values.indexOf(Math.max(...values));
}

beforeAll(async () => {
  await startBackend('wasm');
});

describe('training of fully connected layers', () => {
  it('learns a non-linear boundary and returns layers for heads', async () => {
    const task = crossedCorners(600);
    const layers = await trainDenseLayers(task, { units: [32], steps: 300, learningRate: 0.01 });
    expect(layers.map(({ inputs, biases }) => [inputs, biases.length])).toEqual([
      [dimensions, 32],
      [32, 2],
    ]);
    const right = task.vectors.filter((vector, i) => answer(layers, vector, task.scale) === task.labels[i]);
    expect(right.length / task.vectors.length).toBeGreaterThan(0.93);
  });

  it('is reproducible for a seed and leaves no tensors on the backend', async () => {
    const task = crossedCorners(100);
    const before = tf.memory().numTensors;
    const [first, again, other] = [
      await trainDenseLayers(task, { units: [8], steps: 20 }),
      await trainDenseLayers(task, { units: [8], steps: 20 }),
      await trainDenseLayers(task, { units: [8], steps: 20, seed: 2 }),
    ];
    expect(again).toEqual(first);
    expect(other).not.toEqual(first);
    expect(tf.memory().numTensors).toBe(before);
  });

  it('weighs classes: one of weight zero is not learned', async () => {
    const task = crossedCorners(300);
    const weights = Float32Array.from(task.labels, (label) => (label === 1 ? 1 : 0));
    const layers = await trainDenseLayers(
      { ...task, weights },
      { units: [16], steps: 200, learningRate: 0.01 },
    );
    const ones = task.vectors.filter((vector) => answer(layers, vector, task.scale) === 1).length;
    expect(ones / task.vectors.length).toBeGreaterThan(0.95);
  });

  it('stops on abort, and reports divergence', async () => {
    const task = crossedCorners(100);
    const abort = new AbortController();
    const stopped = trainDenseLayers(task, {
      units: [8],
      steps: 1_000_000,
      signal: abort.signal,
      onProgress: () => abort.abort(new Error('enough')),
    });
    await expect(stopped).rejects.toThrow('enough');
    const diverging = trainDenseLayers({ ...task, scale: Number.NaN }, { units: [8], steps: 20 });
    await expect(diverging).rejects.toMatchObject({ code: 'model-invalid' });
    const empty = trainDenseLayers({ ...task, vectors: [] }, { units: [8], steps: 20 });
    await expect(empty).rejects.toMatchObject({ code: 'config-invalid' });
  });
});
