/**
 * Trains a net on labelled images: epochs of batches, Adam, cross-entropy. Each layer has a multiplier for its learning rate; a
 * layer with 0 is frozen, and no gradient is computed for it nor for layers that only lead to it.
 */
import { HeadwaterError } from '@headwater/errors';
import { tf, layers as tfl } from '../engine/tensorflow.ts';
import { type LabelledImages, shuffled } from './labelled-images.ts';

export interface TrainingOptions {
  /** Passes over all images. */
  readonly rounds: number;
  /** Images per step, default 64. */
  readonly batchSize?: number;
  /** Learning rate of Adam (Kingma and Ba, 2015), default 0.001. */
  readonly learningRate?: number;
  /** Whether the learning rate decays linearly to zero; otherwise it is constant. */
  readonly decay?: boolean;
  /** Learning-rate multiplier by layer name; 1 for layers that are not listed, 0 to freeze. */
  readonly multipliers?: Readonly<Record<string, number>>;
  /** Determines the order of the images. */
  readonly seed?: number;
  /** Layer whose output the loss is computed on: the one before softmax. */
  readonly logits: string;
  readonly onProgress?: (progress: TrainingProgress) => void;
  /** Ends the training after the current step, with the signal's reason. */
  readonly signal?: AbortSignal;
}

export interface TrainingProgress {
  /** From 1. */
  readonly round: number;
  /** Images processed so far over all epochs, and their final number. */
  readonly images: number;
  readonly total: number;
  /** Mean over the steps since the last report, in nats. */
  readonly loss: number;
}

export interface TrainingResult {
  /** Mean loss of each round. */
  readonly losses: readonly number[];
  readonly images: number;
  readonly seconds: number;
}

interface Group {
  readonly optimizer: tf.AdamOptimizer;
  /** Initial rate. */
  readonly rate: number;
  readonly variables: readonly tf.Variable[];
}

/** Steps between readings of the loss, which wait for the backend. */
const reportEvery = 16;

/** The variables behind the weights of a layer, which the layers API does not expose. */
function variablesOf(layer: tfl.layers.Layer): tf.Variable[] {
  const weights = layer.trainableWeights as unknown as readonly { val: tf.Variable }[];
  return weights.map(({ val }) => val);
}

function multiplierOf(name: string, multipliers: Readonly<Record<string, number>>): number {
  const multiplier = multipliers[name] ?? 1;
  if (multiplier >= 0 && Number.isFinite(multiplier)) return multiplier;
  throw new HeadwaterError('config-invalid', `learning-rate multiplier of ${name} must be 0 or more`);
}

/** One optimizer for each multiplier: Adam is invariant to the scale of a gradient, so the rate itself must differ. */
function groupsOf(model: tfl.LayersModel, options: TrainingOptions): Group[] {
  const { learningRate = 0.001, multipliers = {} } = options;
  const known = new Set(model.layers.map(({ name }) => name));
  const unknown = Object.keys(multipliers).filter((name) => !known.has(name));
  if (unknown.length > 0) {
    const message = `the net has no layers named ${unknown.join(', ')}; its layers are ${[...known].join(', ')}`;
    throw new HeadwaterError('config-invalid', message);
  }
  const byRate = new Map<number, tf.Variable[]>();
  for (const layer of model.layers) {
    const multiplier = multiplierOf(layer.name, multipliers);
    const variables = multiplier === 0 ? [] : variablesOf(layer);
    if (variables.length > 0) byRate.set(multiplier, [...(byRate.get(multiplier) ?? []), ...variables]);
  }
  if (byRate.size === 0)
    throw new HeadwaterError('config-invalid', 'all layers are frozen: nothing to train');
  return [...byRate].map(([multiplier, variables]) => ({
    optimizer: tf.train.adam(learningRate * multiplier),
    rate: learningRate * multiplier,
    variables,
  }));
}

/** Adam reads its rate at each step, but has no setter for it. */
function setRates(groups: readonly Group[], share: number): void {
  for (const { optimizer, rate } of groups) Object.assign(optimizer, { learningRate: rate * share });
}

/** Images and one-hot labels of one step. */
function batchOf(images: LabelledImages, places: Uint32Array): { x: tf.Tensor4D; y: tf.Tensor2D } {
  const { side, channels, classes } = images;
  const bytes = side ** 2 * channels;
  const x = new Float32Array(places.length * bytes);
  const y = new Float32Array(places.length * classes.length);
  for (const [index, place] of places.entries()) {
    x.set(images.pixels.subarray(place * bytes, (place + 1) * bytes), index * bytes);
    y[index * classes.length + (images.labels[place] ?? 0)] = 1;
  }
  return {
    x: tf.tensor4d(x, [places.length, side, side, channels]),
    y: tf.tensor2d(y, [places.length, classes.length]),
  };
}

function step(
  net: tfl.LayersModel,
  groups: readonly Group[],
  images: LabelledImages,
  places: Uint32Array,
): tf.Scalar {
  return tf.tidy(() => {
    const { x, y } = batchOf(images, places);
    const loss = () =>
      tf.losses.softmaxCrossEntropy(y, net.apply(x, { training: true }) as tf.Tensor2D) as tf.Scalar;
    const all = groups.flatMap(({ variables }) => variables);
    const { value, grads } = tf.variableGrads(loss, all);
    for (const { optimizer, variables } of groups) {
      const own = variables.flatMap(({ name }) => (grads[name] ? [{ name, tensor: grads[name] }] : []));
      optimizer.applyGradients(own);
    }
    return value;
  });
}

/** Sums losses on the backend, and reads them rarely. */
class LossMeter {
  private readonly pending: tf.Scalar[] = [];
  private sum = 0;
  private steps = 0;

  get full(): boolean {
    return this.pending.length >= reportEvery;
  }

  add(loss: tf.Scalar): void {
    this.pending.push(loss);
  }

  /** Mean since the last reading. Errors: model-invalid if the training has diverged. */
  async read(): Promise<number> {
    const values = await Promise.all(this.pending.map((loss) => loss.data()));
    for (const loss of this.pending.splice(0)) loss.dispose();
    const sum = values.reduce((total, [value = Number.NaN]) => total + value, 0);
    if (!Number.isFinite(sum)) {
      throw new HeadwaterError('model-invalid', 'training diverged: the loss is not finite');
    }
    this.sum += sum;
    this.steps += values.length;
    return sum / Math.max(1, values.length);
  }

  mean(): number {
    return this.sum / Math.max(1, this.steps);
  }

  dispose(): void {
    for (const loss of this.pending.splice(0)) loss.dispose();
  }
}

/**
 * Changes the model's weights in place. A backend must have been started. Errors: config-invalid (an unknown layer, all
 * frozen), model-invalid (divergence).
 */
export async function trainNet(
  model: tfl.LayersModel,
  images: LabelledImages,
  options: TrainingOptions,
): Promise<TrainingResult> {
  const { rounds, batchSize = 64, seed = 1, signal, onProgress } = options;
  const net = tfl.model({
    inputs: model.inputs,
    outputs: model.getLayer(options.logits).output as tfl.SymbolicTensor,
  });
  const groups = groupsOf(model, options);
  const started = performance.now();
  const losses: number[] = [];
  try {
    for (let round = 1; round <= rounds; round++) {
      const order = shuffled(images.count, seed + round);
      const meter = new LossMeter();
      try {
        for (let first = 0; first < images.count; first += batchSize) {
          signal?.throwIfAborted();
          if (options.decay)
            setRates(groups, 1 - ((round - 1) * images.count + first) / (rounds * images.count));
          meter.add(step(net, groups, images, order.subarray(first, first + batchSize)));
          const seen = Math.min(first + batchSize, images.count);
          if (!meter.full && seen < images.count) continue;
          const loss = await meter.read();
          onProgress?.({
            round,
            images: (round - 1) * images.count + seen,
            total: rounds * images.count,
            loss,
          });
          // Yields to the event loop for timers, signals and the terminal.
          await new Promise((resolve) => setImmediate(resolve));
        }
        losses.push(meter.mean());
      } finally {
        meter.dispose();
      }
    }
  } finally {
    for (const { optimizer } of groups) optimizer.dispose();
  }
  return { losses, images: rounds * images.count, seconds: (performance.now() - started) / 1000 };
}
