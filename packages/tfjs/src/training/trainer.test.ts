import { beforeAll, describe, expect, it } from 'vitest';
import { startBackend } from '../engine/backend.ts';
import { tf } from '../engine/tensorflow.ts';
import { accuracyOf, answersOf, modelUpTo } from './inference.ts';
import { type LabelledImages, pick, shuffled, splitImages, withClasses } from './labelled-images.ts';
import { continueLeNet, createLeNet, lenetFeatures, lenetLogits } from './lenet.ts';
import { readMnist } from './mnist.ts';
import { type TrainingProgress, trainNet } from './trainer.ts';

let digits: LabelledImages;
beforeAll(async () => {
  await startBackend('wasm');
  digits = pick(
    withClasses(await readMnist('train'), (name) => name < '3'),
    shuffled(1000, 1),
  );
});

const weightsOf = (net: ReturnType<typeof createLeNet>, layer: string) =>
  net
    .getLayer(layer)
    .getWeights()
    .map((weight) => weight.dataSync().join());
const some = (count: number) =>
  pick(
    digits,
    Array.from({ length: count }, (_, index) => index),
  );

describe('training', () => {
  it('separates three digits after a few hundred images', async () => {
    const { train, test } = splitImages(digits);
    const net = createLeNet();
    const progress: TrainingProgress[] = [];
    const result = await trainNet(net, train, {
      rounds: 1,
      logits: lenetLogits,
      onProgress: (one) => progress.push(one),
    });
    expect(result).toMatchObject({ images: 800, losses: [expect.any(Number)] });
    expect(progress.at(-1)).toMatchObject({ round: 1, images: 800, total: 800 });
    expect(await accuracyOf(net, test)).toBeGreaterThan(0.95);
    expect(await answersOf(modelUpTo(net, lenetFeatures), some(3))).toHaveLength(2400);
  }, 120_000);

  it('keeps frozen layers and slows others by their multiplier', async () => {
    const [whole, slow] = [createLeNet(), createLeNet()];
    const before = createLeNet();
    const options = { rounds: 1, logits: lenetLogits } as const;
    await trainNet(whole, some(64), { ...options, multipliers: { conv1: 0, conv2: 0 } });
    await trainNet(slow, some(64), { ...options, multipliers: { conv1: 0, conv2: 0.5, linear1: 0 } });
    for (const layer of ['conv1', 'conv2']) expect(weightsOf(whole, layer)).toEqual(weightsOf(before, layer));
    for (const layer of ['linear1', 'linear2'])
      expect(weightsOf(whole, layer)).not.toEqual(weightsOf(before, layer));
    for (const layer of ['conv1', 'linear1'])
      expect(weightsOf(slow, layer)).toEqual(weightsOf(before, layer));
    // Adam's first step is its learning rate, regardless of the gradient's size.
    const largestStep = (net: typeof slow, layer: string) =>
      tf.tidy(() => {
        const [now, then] = [net, before].map((one) => one.getLayer(layer).getWeights()[0]);
        return tf.max(tf.abs(tf.sub(now ?? 0, then ?? 0))).dataSync()[0];
      });
    expect(largestStep(slow, 'conv2')).toBeCloseTo(0.0005, 5);
    expect(largestStep(slow, 'linear2')).toBeCloseTo(0.001, 5);
    const decaying = createLeNet();
    await trainNet(decaying, some(64), { ...options, batchSize: 32, decay: true, learningRate: 0.01 });
    // The second of two steps is half as long as the first, and some weight takes both in one direction.
    expect(largestStep(decaying, 'linear2')).toBeLessThan(0.0151);
    expect(largestStep(decaying, 'linear2')).toBeGreaterThan(0.0125);
  }, 60_000);

  it('gives the same net for the same seed, and another for another seed', async () => {
    const trained = async (seed: number) => {
      const net = createLeNet();
      await trainNet(net, some(128), { rounds: 2, seed, logits: lenetLogits });
      return weightsOf(net, 'linear2');
    };
    expect(await trained(1)).toEqual(await trained(1));
    expect(await trained(1)).not.toEqual(await trained(2));
  }, 120_000);

  it('keeps no tensors, even after an abort', async () => {
    const net = createLeNet();
    await trainNet(net, some(64), { rounds: 1, logits: lenetLogits });
    const before = tf.memory().numTensors;
    await trainNet(net, some(64), { rounds: 1, logits: lenetLogits });
    expect(tf.memory().numTensors).toBe(before);
    const ending = new AbortController();
    const training = trainNet(net, digits, {
      rounds: 1,
      batchSize: 8,
      logits: lenetLogits,
      signal: ending.signal,
      onProgress: () => ending.abort(new Error('enough')),
    });
    await expect(training).rejects.toThrow('enough');
    expect(tf.memory().numTensors).toBe(before);
  }, 60_000);

  it('reports invalid options', async () => {
    const net = createLeNet();
    const wrong = (multipliers: Record<string, number>) =>
      trainNet(net, some(8), { rounds: 1, logits: lenetLogits, multipliers });
    await expect(wrong({ conv7: 0 })).rejects.toThrow('no layers named conv7');
    await expect(wrong({ conv1: -1 })).rejects.toThrow('0 or more');
    await expect(wrong({ conv1: 0, conv2: 0, linear1: 0, linear2: 0 })).rejects.toThrow('nothing to train');
    const diverging = trainNet(net, some(64), { rounds: 3, logits: lenetLogits, learningRate: 1e30 });
    await expect(diverging).rejects.toMatchObject({ code: 'model-invalid' });
  }, 60_000);
});

describe('a net that continues from another', () => {
  it('copies all weights but those of the last layer if the classes differ', () => {
    const first = createLeNet({ seed: 3 });
    const [same, other] = [continueLeNet(first, { seed: 4 }), continueLeNet(first, { seed: 4, classes: 3 })];
    for (const layer of ['conv1', 'conv2', 'linear1'])
      expect(weightsOf(other, layer)).toEqual(weightsOf(first, layer));
    expect(weightsOf(same, 'linear2')).toEqual(weightsOf(first, 'linear2'));
    expect(weightsOf(other, 'linear2')).toEqual(weightsOf(createLeNet({ seed: 4, classes: 3 }), 'linear2'));
  });
});

describe('labelled images', () => {
  it('are split so that every image is in one part', () => {
    const { train, test } = splitImages(digits);
    expect([train.count, test.count]).toEqual([800, 200]);
    expect(new Set(shuffled(1000, 9)).size).toBe(1000);
  });
});
