import { beforeAll, describe, expect, it } from 'vitest';
import { startBackend } from './backend.ts';
import { tf } from './tensorflow.ts';

beforeAll(async () => {
  await startBackend('cpu');
  await startBackend('wasm');
});

interface Case {
  readonly image: readonly [batch: number, height: number, width: number, channels: number];
  readonly filter: readonly [height: number, width: number, out: number];
  readonly strides: number | [number, number];
  readonly pad: 'valid' | 'same' | number;
}

const cases: Case[] = [
  { image: [4, 28, 28, 1], filter: [5, 5, 20], strides: 1, pad: 'valid' },
  { image: [4, 12, 12, 20], filter: [5, 5, 50], strides: 1, pad: 'valid' },
  { image: [2, 9, 11, 3], filter: [3, 2, 4], strides: 1, pad: 'same' },
  { image: [2, 9, 11, 3], filter: [3, 3, 4], strides: [2, 3], pad: 'same' },
  { image: [3, 10, 10, 2], filter: [4, 4, 5], strides: 2, pad: 'valid' },
  { image: [1, 7, 7, 2], filter: [3, 3, 2], strides: 1, pad: 1 },
  { image: [1, 6, 6, 4], filter: [2, 2, 3], strides: 1, pad: 3 },
  { image: [2, 7, 6, 5], filter: [3, 2, 4], strides: 1, pad: 'same' },
  { image: [2, 9, 9, 6], filter: [3, 3, 4], strides: 2, pad: 'same' },
  { image: [2, 5, 5, 6], filter: [1, 1, 7], strides: 1, pad: 'valid' },
];

/** Gradients with respect to image and filter, of a mean of squares, so that dy differs from place to place. */
async function gradientsOn(
  backend: 'cpu' | 'wasm',
  { image, filter, strides, pad }: Case,
): Promise<Float32Array[]> {
  await tf.setBackend(backend);
  const [height, width, out] = filter;
  const x = tf.randomNormal<tf.Rank.R4>([...image], 0, 1, 'float32', 1);
  const w = tf.randomNormal<tf.Rank.R4>([height, width, image[3], out], 0, 0.1, 'float32', 2);
  const loss = (images: tf.Tensor, weights: tf.Tensor) =>
    tf.mean(tf.square(tf.conv2d(images as tf.Tensor4D, weights as tf.Tensor4D, strides, pad)));
  return await gradientsOf(loss, [x, w]);
}

async function gradientsOf(
  loss: (...of: tf.Tensor[]) => tf.Tensor,
  of: tf.Tensor[],
): Promise<Float32Array[]> {
  const before = tf.memory().numTensors;
  const gradients = tf.grads(loss)(of);
  expect(tf.memory().numTensors).toBe(before + of.length);
  const values = await Promise.all(gradients.map((gradient) => gradient.data() as Promise<Float32Array>));
  for (const tensor of [...of, ...gradients]) tensor.dispose();
  return values;
}

function expectAlike(found: readonly Float32Array[], expected: readonly Float32Array[]): void {
  for (const [which, values] of expected.entries()) {
    const largest = Math.max(...values.map(Math.abs));
    const error = found[which]?.map((value, index) => Math.abs(value - (values[index] ?? Number.NaN))) ?? [
      Number.NaN,
    ];
    expect(largest).toBeGreaterThan(1e-5);
    expect(Math.max(...error) / largest).toBeLessThan(2e-4);
  }
}

describe('training on wasm', () => {
  it.each(cases)(
    'has the gradients of the cpu backend: $image * $filter, strides $strides, $pad',
    async (one) => {
      const expected = await gradientsOn('cpu', one);
      expectAlike(await gradientsOn('wasm', one), expected);
    },
  );

  it.each([
    [false, false],
    [true, false],
    [false, true],
    [true, true],
  ])(
    'multiplies matrices and gives their gradients, transposed %s and %s',
    async (transposeA, transposeB) => {
      const run = async (backend: 'cpu' | 'wasm') => {
        await tf.setBackend(backend);
        const a = tf.randomNormal(transposeA ? [7, 5] : [5, 7], 0, 1, 'float32', 1);
        const b = tf.randomNormal(transposeB ? [3, 7] : [7, 3], 0, 1, 'float32', 2);
        const loss = (left: tf.Tensor, right: tf.Tensor) =>
          tf.mean(tf.square(tf.matMul(left, right, transposeA, transposeB)));
        return await gradientsOf(loss, [a, b]);
      };
      const expected = await run('cpu');
      expectAlike(await run('wasm'), expected);
    },
  );
});
