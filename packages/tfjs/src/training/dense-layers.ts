/**
 * Trains fully connected layers on vectors: the part of a net after its cut, with everything before it frozen. Vectors are read
 * a batch at a time, so that they can stay small integers. A backend must have been started.
 */
import { HeadwaterError } from '@headwater/errors';
import { tf } from '../engine/tensorflow.ts';
import { shuffled } from './labelled-images.ts';

export interface DenseTraining {
  /** Entries of each vector. */
  readonly dimensions: number;
  readonly classes: number;
  readonly vectors: readonly Int16Array[];
  /** Factor of the vectors before the first layer. */
  readonly scale: number;
  /** Class index of each vector. */
  readonly labels: Int32Array;
  /** Weight of each vector's loss. */
  readonly weights: Float32Array;
}

export interface DenseTrainingOptions {
  /** Outputs of the hidden layers, each followed by ReLU; `[500]` is LeNet's. */
  readonly units: readonly number[];
  /** Steps of one batch each, of at most 64 vectors. */
  readonly steps: number;
  /** Learning rate of Adam (Kingma and Ba, 2015); decays linearly to zero. Default 0.001. */
  readonly learningRate?: number;
  /** Determines the initial weights and the order of the vectors, default 1. */
  readonly seed?: number;
  /** Called from time to time with the number of completed steps. */
  readonly onProgress?: (steps: number) => void;
  /** Ends the training after the current step, with the signal's reason. */
  readonly signal?: AbortSignal;
}

export interface TrainedDenseLayer {
  readonly inputs: number;
  /** Outputs × inputs. */
  readonly weights: Float32Array;
  readonly biases: Float32Array;
}

interface Layer {
  /** [inputs, outputs]. */
  readonly kernel: tf.Variable<tf.Rank.R2>;
  readonly bias: tf.Variable<tf.Rank.R1>;
}

const batchSize = 64;
/** Steps between readings of the loss, which wait for the backend. */
const reportEvery = 16;

/** He's initialization (He et al., 2015): a standard deviation of √(2 / inputs), and no bias. */
function startLayers(widths: readonly number[], seed: number): Layer[] {
  return widths.slice(1).map((outputs, index) => {
    const inputs = widths[index] ?? 0;
    return tf.tidy(() => ({
      kernel: tf.variable(
        tf.randomNormal<tf.Rank.R2>(
          [inputs, outputs],
          0,
          Math.sqrt(2 / inputs),
          'float32',
          seed * 16 + index,
        ),
      ),
      bias: tf.variable(tf.zeros<tf.Rank.R1>([outputs])),
    }));
  });
}

function applyLayers(layers: readonly Layer[], x: tf.Tensor2D): tf.Tensor2D {
  return layers.reduce((values, { kernel, bias }, index) => {
    const sums = tf.add<tf.Tensor2D>(tf.matMul(values, kernel), bias);
    return index < layers.length - 1 ? tf.relu(sums) : sums;
  }, x);
}

/** Indices of the vectors of one step; each epoch has its own order. */
class Batches {
  readonly #count: number;
  readonly #seed: number;
  #order: Uint32Array = new Uint32Array();
  #at = 0;
  #pass = 0;

  constructor(count: number, seed: number) {
    this.#count = count;
    this.#seed = seed;
  }

  next(): Uint32Array {
    if (this.#at >= this.#order.length) {
      this.#order = shuffled(this.#count, this.#seed + this.#pass++);
      this.#at = 0;
    }
    const places = this.#order.subarray(this.#at, this.#at + batchSize);
    this.#at += batchSize;
    return places;
  }
}

function batchOf(
  { dimensions, classes, vectors, scale, labels, weights }: DenseTraining,
  places: Uint32Array,
) {
  const x = new Float32Array(places.length * dimensions);
  const y = new Float32Array(places.length * classes);
  const w = new Float32Array(places.length);
  for (const [row, place] of places.entries()) {
    const vector = vectors[place] ?? new Int16Array(dimensions);
    for (let i = 0; i < dimensions; i++) x[row * dimensions + i] = (vector[i] ?? 0) * scale;
    y[row * classes + (labels[place] ?? 0)] = 1;
    w[row] = weights[place] ?? 1;
  }
  return {
    x: tf.tensor2d(x, [places.length, dimensions]),
    y: tf.tensor2d(y, [places.length, classes]),
    w: tf.tensor1d(w),
  };
}

function step(layers: readonly Layer[], optimizer: tf.Optimizer, task: DenseTraining, places: Uint32Array) {
  return tf.tidy(() => {
    const { x, y, w } = batchOf(task, places);
    const loss = () => tf.losses.softmaxCrossEntropy(y, applyLayers(layers, x), w) as tf.Scalar;
    const { value, grads } = tf.variableGrads(
      loss,
      layers.flatMap(({ kernel, bias }) => [kernel, bias]),
    );
    optimizer.applyGradients(grads);
    return value;
  });
}

async function readLayer({ kernel, bias }: Layer): Promise<TrainedDenseLayer> {
  const [inputs] = kernel.shape;
  const turned = tf.transpose(kernel);
  const weights = (await turned.data()) as Float32Array;
  turned.dispose();
  return { inputs, weights: weights.slice(), biases: ((await bias.data()) as Float32Array).slice() };
}

/**
 * Minimises the weighted cross-entropy with Adam. The same bits on the same machine and backend. Errors: config-invalid (no
 * vectors), model-invalid (divergence).
 */
export async function trainDenseLayers(
  task: DenseTraining,
  options: DenseTrainingOptions,
): Promise<readonly TrainedDenseLayer[]> {
  const { units, steps, learningRate = 0.001, seed = 1, onProgress, signal } = options;
  if (task.vectors.length === 0)
    throw new HeadwaterError('config-invalid', 'there are no vectors to train on');
  const layers = startLayers([task.dimensions, ...units, task.classes], seed);
  const optimizer = tf.train.adam(learningRate);
  const batches = new Batches(task.vectors.length, seed);
  try {
    for (let done = 0; done < steps; done++) {
      signal?.throwIfAborted();
      // Adam reads its rate at each step, but has no setter for it.
      Object.assign(optimizer, { learningRate: learningRate * (1 - done / steps) });
      const loss = step(layers, optimizer, task, batches.next());
      if ((done + 1) % reportEvery === 0 || done + 1 === steps) {
        await checkLoss(loss);
        onProgress?.(done + 1);
      }
      loss.dispose();
    }
    return await Promise.all(layers.map(readLayer));
  } finally {
    optimizer.dispose();
    for (const { kernel, bias } of layers) tf.dispose([kernel, bias]);
  }
}

async function checkLoss(loss: tf.Scalar): Promise<void> {
  const [value = Number.NaN] = await loss.data();
  if (!Number.isFinite(value)) {
    throw new HeadwaterError('model-invalid', 'training diverged: the loss is not finite');
  }
  // Yields to the event loop for timers, signals and messages.
  await new Promise((resolve) => setImmediate(resolve));
}
