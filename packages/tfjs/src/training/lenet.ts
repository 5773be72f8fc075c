/**
 * LeNet: convolution 20 @ 5×5, ReLU, max pool, convolution 50 @ 5×5, ReLU, max pool, flatten (the seventh layer, 800 numbers),
 * linear 500, ReLU, linear, softmax. Pixels are given as 0 to 255 and scaled inside.
 */
import { HeadwaterError } from '@headwater/errors';
import { layers as tfl } from '../engine/tensorflow.ts';

interface LeNetOptions {
  /** Number of classes, default 10. */
  readonly classes?: number;
  /** Determines the initial weights, default 1. */
  readonly seed?: number;
  /** Default 28. */
  readonly side?: number;
}

/** The layer whose output is the vector. */
export const lenetFeatures = 'flatten';
/** The layer before softmax, on which training computes its loss. */
export const lenetLogits = 'linear2';

/** Layer names: rescale, conv1, relu1, pool1, conv2, relu2, pool2, flatten, linear1, relu3, linear2, softmax. */
export function createLeNet({ classes = 10, seed = 1, side = 28 }: LeNetOptions = {}): tfl.Sequential {
  const start = (place: number) => tfl.initializers.heNormal({ seed: seed * 16 + place });
  const conv = (name: string, filters: number, place: number) =>
    tfl.layers.conv2d({ name, filters, kernelSize: 5, kernelInitializer: start(place) });
  const pool = (name: string) => tfl.layers.maxPooling2d({ name, poolSize: 2, strides: 2 });
  const linear = (name: string, units: number, place: number) =>
    tfl.layers.dense({ name, units, kernelInitializer: start(place) });
  const rescale = tfl.layers.rescaling({ name: 'rescale', scale: 1 / 255, inputShape: [side, side, 1] });
  return tfl.sequential({
    name: 'lenet',
    layers: [
      rescale,
      conv('conv1', 20, 0),
      tfl.layers.reLU({ name: 'relu1' }),
      pool('pool1'),
      conv('conv2', 50, 1),
      tfl.layers.reLU({ name: 'relu2' }),
      pool('pool2'),
      tfl.layers.flatten({ name: lenetFeatures }),
      linear('linear1', 500, 2),
      tfl.layers.reLU({ name: 'relu3' }),
      linear(lenetLogits, classes, 3),
      tfl.layers.softmax({ name: 'softmax' }),
    ],
  });
}

/**
 * A LeNet for other classes that starts from the weights of another: all but those of the last linear layer, which has another
 * size. With the same number of classes these are copied too.
 */
export function continueLeNet(from: tfl.LayersModel, options: LeNetOptions): tfl.Sequential {
  const net = createLeNet(options);
  for (const layer of net.layers) {
    const weights = from.layers.find(({ name }) => name === layer.name)?.getWeights() ?? [];
    const own = layer.getWeights();
    const fits = own.every(({ shape }, index) => `${shape}` === `${weights[index]?.shape}`);
    if (fits) layer.setWeights(weights);
    else if (layer.name !== lenetLogits) {
      throw new HeadwaterError('model-invalid', `layer ${layer.name} of the model is not that of a LeNet`);
    }
  }
  return net;
}
