/**
 * Fully connected layers as a head publishes them: float32 weights, ReLU between two layers, and the parameters that turn the
 * outputs of the last layer into probabilities.
 */
import { HeadwaterError } from '@headwater/errors';
import type { Classifier, HeadPrediction } from '../api.ts';
import { ByteReader, ByteWriter } from '../numerics/byte-writer.ts';
import { unit } from '../numerics/quantization.ts';
import type { StoredHead } from './head-family.ts';
import { indexOfLargest, toProbabilities } from './linear-head.ts';

const formatName = 'headwater-layers';
const formatVersion = 1;

/** y = W x + b, followed by ReLU except in the last layer. */
export interface DenseLayer {
  readonly inputs: number;
  /** Outputs × inputs. */
  readonly weights: Float32Array;
  readonly biases: Float32Array;
}

/** Unit vectors of D entries have a mean square of 1/D. */
export function scaleOf(dimensions: number): number {
  return Math.sqrt(dimensions) / unit;
}

/** Logits of one quantised vector. */
export function applyLayers(layers: readonly DenseLayer[], vector: Int16Array, scale: number): Float64Array {
  let values = Float64Array.from(vector, (value) => value * scale);
  for (const [index, layer] of layers.entries()) {
    values = applyLayer(layer, values);
    if (index === layers.length - 1) break;
    for (let i = 0; i < values.length; i++) if ((values[i] ?? 0) < 0) values[i] = 0;
  }
  return values;
}

function applyLayer(
  { inputs, weights, biases }: DenseLayer,
  values: Float64Array,
): Float64Array<ArrayBuffer> {
  const outputs = new Float64Array(biases.length);
  for (let o = 0; o < outputs.length; o++) {
    let sum = biases[o] ?? 0;
    const start = o * inputs;
    for (let i = 0; i < inputs; i++) sum += (weights[start + i] ?? 0) * (values[i] ?? 0);
    outputs[o] = sum;
  }
  return outputs;
}

interface LayersParameters {
  readonly layers: readonly DenseLayer[];
  readonly temperature: number;
  readonly uniformShare: number;
  readonly logPriors: Float64Array;
}

export function encodeLayers({ layers, temperature, uniformShare, logPriors }: LayersParameters): Uint8Array {
  const writer = new ByteWriter();
  writer.text(formatName);
  writer.uint32(formatVersion);
  writer.numbers(Float64Array.of(temperature, uniformShare));
  writer.numbers(logPriors);
  writer.uint32(layers.length);
  for (const { inputs, weights, biases } of layers) {
    writer.uint32(inputs);
    writer.numbers(biases);
    writer.numbers(weights);
  }
  return writer.finish();
}

/** Errors: head-invalid. */
function decodeLayers(bytes: Uint8Array, classes: number, dimensions: number): LayersParameters {
  const reader = new ByteReader(bytes, 'head-invalid');
  if (reader.text() !== formatName || reader.uint32() !== formatVersion) invalid();
  const [temperature = 1, uniformShare = 0] = reader.float64s();
  const logPriors = reader.float64s();
  const layers: DenseLayer[] = [];
  let width = dimensions;
  for (let left = reader.uint32(); left > 0; left--) {
    const inputs = reader.uint32();
    const biases = reader.float32s();
    const weights = reader.float32s();
    if (inputs !== width || weights.length !== inputs * biases.length) invalid();
    layers.push({ inputs, weights, biases });
    width = biases.length;
  }
  reader.end();
  if (layers.length === 0 || width !== classes || logPriors.length !== classes) invalid();
  return { layers, temperature, uniformShare, logPriors };
}

/** Errors: head-invalid. */
export function openLayers({ kind, classes, dimensions, parameters: bytes }: StoredHead): Classifier {
  const { layers, temperature, uniformShare, logPriors } = decodeLayers(bytes, classes.length, dimensions);
  const scale = scaleOf(dimensions);
  return {
    kind,
    classes,
    dimensions,
    predict(vector): HeadPrediction {
      if (vector.length !== dimensions) {
        const message = `vector has ${vector.length} dimensions, the head ${dimensions}`;
        throw new HeadwaterError('vector-wrong-dimensions', message);
      }
      const logits = applyLayers(layers, vector, scale);
      const tempered = logits.map((logit, k) => logit / temperature + (logPriors[k] ?? 0));
      const probabilities = toProbabilities(tempered, uniformShare);
      return { label: classes[indexOfLargest(probabilities)] ?? '', probabilities, novelty: null };
    },
  };
}

function invalid(): never {
  throw new HeadwaterError(
    'head-invalid',
    'parameters of the stored head cannot be read; train the head again',
  );
}
