/** Runs a net on many images: its accuracy, or the vectors of one of its layers. */
import { tf, layers as tfl } from '../engine/tensorflow.ts';
import type { LabelledImages } from './labelled-images.ts';

const batchSize = 256;

/** The net up to and including a layer; weights are shared, not copied. */
export function modelUpTo(model: tfl.LayersModel, layer: string): tfl.LayersModel {
  return tfl.model({ inputs: model.inputs, outputs: model.getLayer(layer).output as tfl.SymbolicTensor });
}

/** Outputs of a net, float32 [count, dimensions], one after another. */
export async function answersOf(net: tfl.LayersModel, images: LabelledImages): Promise<Float32Array> {
  const { side, channels, count, pixels } = images;
  const bytes = side ** 2 * channels;
  let answers: Float32Array | undefined;
  for (let first = 0; first < count; first += batchSize) {
    const size = Math.min(batchSize, count - first);
    const x = Float32Array.from(pixels.subarray(first * bytes, (first + size) * bytes));
    const output = tf.tidy(
      () => net.predictOnBatch(tf.tensor4d(x, [size, side, side, channels])) as tf.Tensor,
    );
    const values = (await output.data()) as Float32Array;
    output.dispose();
    answers ??= new Float32Array((values.length / size) * count);
    answers.set(values, first * (values.length / size));
    await new Promise((resolve) => setImmediate(resolve));
  }
  return answers ?? new Float32Array();
}

function place(values: Float32Array): number {
  let best = 0;
  for (let index = 1; index < values.length; index++)
    if ((values[index] ?? 0) > (values[best] ?? 0)) best = index;
  return best;
}

/** The share of images whose largest output is that of their label. */
export async function accuracyOf(net: tfl.LayersModel, images: LabelledImages): Promise<number> {
  const answers = await answersOf(net, images);
  const classes = answers.length / images.count;
  let right = 0;
  for (let index = 0; index < images.count; index++) {
    if (place(answers.subarray(index * classes, (index + 1) * classes)) === images.labels[index]) right += 1;
  }
  return right / images.count;
}
