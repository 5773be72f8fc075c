import { describe, expect, it } from 'vitest';
import type { HeadKind, LabelledVector } from '../api.ts';
import { openHead, trainHead } from '../models/head.ts';
import { quantize } from '../numerics/quantization.ts';
import { createTrainingSet } from '../training-set/training-set.ts';
import { confidenceThresholdFor } from './confidence-thresholds.ts';

const dimensions = 6;
const labels = ['a', 'b', 'c'];

/** Overlapping clouds: about one example in nine lies in the wrong one. */
function clouds(count: number, seed: number): LabelledVector[] {
  let state = seed;
  const random = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
  return Array.from({ length: count }, (_, i) => {
    const k = i % labels.length;
    const noise = () => 0.75 * (random() + random() + random() - 1.5);
    const vector = Float32Array.from({ length: dimensions }, (_, j) => (j === k ? 1 : 0.2) + noise());
    return { imageId: `image ${seed} ${i}`, label: labels[k] ?? '', group: null, vector: quantize(vector) };
  });
}

const training = clouds(600, 1);
const unseen = clouds(3_000, 2);

describe.each(['lda', 'ridge', 'ncm', 'knn', 'softmax'] satisfies HeadKind[])('%s thresholds', (kind) => {
  const set = createTrainingSet({ extractor: 'net.v1', task: 'digit', dimensions });
  for (const example of training) set.add(example);
  const head = trainHead(set, { kind, mode: 'settled' });
  const classifier = openHead(head);
  const answers = unseen.map(({ label, vector }) => {
    const prediction = classifier.predict(vector);
    return { correct: prediction.label === label, confidence: Math.max(...prediction.probabilities) };
  });
  const wrong = (given: typeof answers) => given.filter(({ correct }) => !correct).length / given.length;

  it('keep a requested error rate on unseen examples and accept most predictions', () => {
    expect(wrong(answers)).toBeGreaterThan(0.1);
    const threshold = confidenceThresholdFor(head.measurements, 0.05) ?? 0;
    const given = answers.filter(({ confidence }) => confidence >= threshold);
    expect(wrong(given)).toBeLessThan(0.075);
    expect(given.length).toBeGreaterThan(0.3 * answers.length);
  });

  it('fall back to the next lower measured rate and are undefined below the smallest one', () => {
    expect(confidenceThresholdFor(head.measurements, 0.09)).toBe(
      confidenceThresholdFor(head.measurements, 0.05),
    );
    expect(confidenceThresholdFor(head.measurements, 0.0001)).toBeUndefined();
  });
});

it('accepts few predictions where labels are random', () => {
  const set = createTrainingSet({ extractor: 'net.v1', task: 'digit', dimensions });
  // Labels are independent of the vectors: nothing can be learned.
  for (const [i, { imageId, vector }] of clouds(300, 3).entries()) {
    set.add({ imageId, vector, group: null, label: i % 7 < 3 ? 'heads' : 'tails' });
  }
  const { measurements } = trainHead(set, { kind: 'lda', mode: 'settled' });
  expect(confidenceThresholdFor(measurements, 0.001) ?? 0).toBeGreaterThan(0.55);
});

it('has no confidence threshold where no example can be scored', () => {
  const set = createTrainingSet({ extractor: 'net.v1', task: 'digit', dimensions });
  set.add(training[0] as LabelledVector);
  expect(
    confidenceThresholdFor(trainHead(set, { kind: 'lda', mode: 'settled' }).measurements, 0.1),
  ).toBeUndefined();
});
