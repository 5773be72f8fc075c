/** Inspects and cuts TensorFlow.js layers models, as `nets/onnx` does for ONNX graphs. A backend must have been started. */
import { HeadwaterError } from '@headwater/errors';
import type { Layer } from '@headwater/extractors/nets';
import { tf, layers as tfl } from '../engine/tensorflow.ts';
import type { LayersModel, WeightSpec } from './artifacts.ts';

type Net = tfl.LayersModel;

/** Errors: model-invalid (an unknown layer, weights that do not fit). */
export async function openLayersModel(model: LayersModel): Promise<Net> {
  const { modelTopology, weightSpecs, weightData } = model;
  try {
    const artifacts = {
      modelTopology: modelTopology as object,
      weightSpecs: weightSpecs as unknown as tf.io.WeightsManifestEntry[],
      weightData: weightData.slice().buffer,
    };
    return await tfl.loadLayersModel(tf.io.fromMemory(artifacts));
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new HeadwaterError('model-invalid', `TensorFlow.js rejects the net: ${reason}`, { cause });
  }
}

/** The model in the form that is written and packed. */
export async function toLayersModel(net: Net): Promise<LayersModel> {
  let artifacts: tf.io.ModelArtifacts | undefined;
  await net.save({
    save: async (given: tf.io.ModelArtifacts) => {
      artifacts = given;
      return { modelArtifactsInfo: { dateSaved: new Date(0), modelTopologyType: 'JSON' as const } };
    },
  });
  const data = artifacts?.weightData ?? new ArrayBuffer(0);
  const weightData = new Uint8Array(tf.io.CompositeArrayBuffer.join(data));
  return {
    modelTopology: artifacts?.modelTopology as Readonly<Record<string, unknown>>,
    weightSpecs: (artifacts?.weightSpecs ?? []) as unknown as WeightSpec[],
    weightData,
  };
}

/** Layers that compute, which excludes inputs. */
function computingLayers(net: Net): tfl.layers.Layer[] {
  return net.layers.filter((layer) => layer.getClassName() !== 'InputLayer');
}

function inputsOf(layer: tfl.layers.Layer): tfl.SymbolicTensor[] {
  return [layer.input].flat();
}

function outputOf(layer: tfl.layers.Layer): tfl.SymbolicTensor {
  const [output] = [layer.output].flat();
  if (output) return output;
  throw new HeadwaterError('model-invalid', `layer ${layer.name} has no output`);
}

/** The layer that produces a tensor. */
function makerOf({ sourceLayer }: tfl.SymbolicTensor): string {
  return sourceLayer.name;
}

export function layersOfNet(net: Net): Layer[] {
  return computingLayers(net).map((layer, index) => ({
    index: index + 1,
    name: layer.name,
    operator: layer.getClassName(),
    reads: inputsOf(layer).map(makerOf),
    shape: outputOf(layer).shape.map((size) => size ?? 'N'),
    elementType: outputOf(layer).dtype,
    parameters: layer.countParams(),
  }));
}

/** The net up to and including a layer; weights are shared. Errors: config-invalid. */
export function cutNetAfter(net: Net, name: string): Net {
  const layer = computingLayers(net).find((candidate) => candidate.name === name);
  // A new name would be numbered, so that a repeated cut would have other bytes.
  if (layer) return tfl.model({ inputs: net.inputs, outputs: outputOf(layer), name: net.name });
  const names = computingLayers(net).map((candidate) => candidate.name);
  const message = `the net has no layer named ${name}; its layers are ${names.join(', ')}`;
  throw new HeadwaterError('config-invalid', message);
}

/**
 * The layers after the first `count`, with new inputs; a copy, because a layer that is part of two nets has two inputs and
 * outputs.
 */
async function behind(whole: Net, count: number): Promise<Net> {
  const net = await openLayersModel(await toLayersModel(whole));
  const inputs: tfl.SymbolicTensor[] = [];
  const made = new Map<string, tfl.SymbolicTensor>();
  const tensorFor = (tensor: tfl.SymbolicTensor) => {
    const known = made.get(tensor.name);
    if (known) return known;
    const shape = tensor.shape.slice(1);
    const input = tfl.input({ shape, dtype: tensor.dtype, name: `${makerOf(tensor)}_input` });
    inputs.push(input);
    made.set(tensor.name, input);
    return input;
  };
  // Recorded first: a layer that is applied again has two inputs and outputs.
  const plan = computingLayers(net)
    .slice(count)
    .map((layer) => ({ layer, from: inputsOf(layer), to: outputOf(layer) }));
  for (const { layer, from, to } of plan) {
    const given = from.map(tensorFor);
    const output = layer.apply(given.length === 1 && given[0] ? given[0] : given) as tfl.SymbolicTensor;
    made.set(to.name, output);
  }
  const part = tfl.model({ inputs, outputs: net.outputs.map(tensorFor), name: net.name });
  return await openLayersModel(await toLayersModel(part));
}

function split(net: Net, count: number): number {
  const size = computingLayers(net).length;
  if (Number.isInteger(count) && count !== 0 && Math.abs(count) < size)
    return count > 0 ? count : size + count;
  const message = `layer count must be between 1 and ${size - 1}, or negative to count from the end`;
  throw new HeadwaterError('config-invalid', message);
}

function before(net: Net, count: number): Net {
  return cutNetAfter(net, computingLayers(net)[count - 1]?.name ?? '');
}

/** The first `count` layers, or the last −`count`. Errors: config-invalid. */
export async function takeNetLayers(net: Net, count: number): Promise<Net> {
  return count > 0 ? before(net, split(net, count)) : await behind(net, split(net, count));
}

/** The net without its first `count` layers, or without its last −`count`. Errors: config-invalid. */
export async function dropNetLayers(net: Net, count: number): Promise<Net> {
  return count > 0 ? await behind(net, split(net, count)) : before(net, split(net, count));
}
