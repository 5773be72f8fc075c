/**
 * Draws of labelled digits, and the results of a head or a baseline on them. All draws are seeded and
 * reproducible.
 */
import {
  Calibration,
  createTrainingSet,
  HeadMeasurements,
  openHead,
  sampleKey,
  trainHead,
} from '@headwater/heads';
import { vectorAt } from './digits.mjs';

/** Mulberry32, uniform in [0, 1). */
export function seededUniform(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Indices of a split whose digits are among these. */
export function indicesOf({ labels }, digits) {
  const wanted = new Set(digits);
  return Array.from(labels.keys()).filter((index) => wanted.has(labels[index]));
}

/** The first `count` of a seeded shuffle (Fisher and Yates). */
export function draw(indices, count, seed) {
  const next = seededUniform(seed);
  const rest = [...indices];
  for (let i = 0; i < Math.min(count, rest.length); i++) {
    const j = i + Math.floor(next() * (rest.length - i));
    [rest[i], rest[j]] = [rest[j], rest[i]];
  }
  return rest.slice(0, count);
}

/** A digit of a split as an example; `label` replaces the true one, to make intentional mistakes. */
export function exampleAt(split, index, label = String(split.labels[index])) {
  return { imageId: `digit-${index}`, label, group: null, vector: vectorAt(split, index) };
}

export function buildSet(examples, options = {}) {
  let set;
  for (const example of examples) {
    set ??= createTrainingSet({
      extractor: 'lenet-digits.v1',
      task: 'digit',
      dimensions: example.vector.length,
      ...options,
    });
    set.add(example);
  }
  return set;
}

/** In the order of their sample keys, which heads that learn from single examples require. */
export function inOrder(examples) {
  const keyed = examples.map((example) => ({ example, key: Buffer.from(sampleKey(example)) }));
  return keyed.sort((a, b) => Buffer.compare(a.key, b.key)).map(({ example }) => example);
}

/** Predictions of a head trained on a set (of these examples, in order) for some digits of a split. */
export function judgeHead(set, options, split, indices, examples) {
  const start = performance.now();
  const head = trainHead(set, options, examples);
  return judgeTrained(head, (performance.now() - start) / 1000, split, indices);
}

/** The same for a trained head, with its training time in seconds. */
export function judgeTrained(head, seconds, split, indices) {
  const classifier = openHead(head);
  const measurements = new HeadMeasurements();
  const { classes } = classifier;
  const confidences = indices.map((index) => {
    const { imageId, label, vector } = exampleAt(split, index);
    const { probabilities } = classifier.predict(vector);
    measurements.add({ imageId, label, classes, probabilities });
    return Math.max(...probabilities);
  });
  const { regularization, temperature } = head;
  const { leaveOneOutLogLoss, heldOutLogLoss } = head.measurements;
  return {
    ...figuresOf(measurements),
    leftOutLogLoss: round(leaveOneOutLogLoss ?? heldOutLogLoss, 6),
    calibrationNoise: round(calibrationNoise(confidences), 4),
    regularization,
    temperature,
    solveSeconds: round(seconds, 2),
  };
}

/** The same figures of probabilities that another program gave, examples × classes. */
export function judgeProbabilities(probabilities, classes, split, indices) {
  const measurements = new HeadMeasurements();
  for (const [row, index] of indices.entries()) {
    measurements.add({
      imageId: `digit-${index}`,
      label: String(split.labels[index]),
      classes,
      probabilities: probabilities.subarray(row * classes.length, (row + 1) * classes.length),
    });
  }
  return figuresOf(measurements);
}

function figuresOf(measurements) {
  const { accuracy, logLoss, calibrationError, classes } = measurements.report();
  const recall = Object.fromEntries([...classes].map(([label, scores]) => [label, round(scores.recall, 4)]));
  return {
    accuracy: round(accuracy, 6),
    logLoss: round(logLoss, 6),
    calibrationError: round(calibrationError, 6),
    recall,
  };
}

/** The vectors of some digits, concatenated, and their labels: the input of Python. */
export function gather(split, indices) {
  const { dimensions } = split;
  const vectors = new Int16Array(indices.length * dimensions);
  for (const [row, index] of indices.entries()) vectors.set(vectorAt(split, index), row * dimensions);
  return { vectors, labels: Uint8Array.from(indices, (index) => split.labels[index]), dimensions };
}

const noiseDraws = 50;

/**
 * The calibration error that these answers would have if every confidence were exactly right: with so few of them chance alone leaves
 * this much, mean over draws.
 */
function calibrationNoise(confidences) {
  const next = seededUniform(1);
  return mean(
    Array.from({ length: noiseDraws }, () => {
      const calibration = new Calibration();
      for (const confidence of confidences) calibration.add(confidence, next() < confidence);
      return calibration.error();
    }),
  );
}

export function round(value, digits) {
  return Number(value.toFixed(digits));
}

export function mean(values) {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
