/** Prepares the TensorFlow.js layers model of a net file: checks it, cuts it, and packs it together with its preprocessing. */
import {
  checkLayersWeights,
  cutNetAfter,
  ensureBackend,
  openLayersModel,
  openTfjsEngine,
  packNet,
  readLayersModel,
  type layers as tfl,
  toLayersModel,
} from '@headwater/tfjs';
import {
  adaptationOf,
  checkInput,
  definitionOf,
  dimensionsOf,
  invalid,
  type Place,
  takesOne,
  type UserNet,
} from './model-checks.ts';
import type { NetFile } from './net-file.ts';

function placeOf(tensors: readonly tfl.SymbolicTensor[], what: string): Place {
  const [tensor, ...more] = tensors;
  if (!tensor || more.length > 0) throw invalid(`the model must have one ${what}`);
  const shape = tensor.shape.map((size, axis) => size ?? (axis === 0 ? 'N' : `?${axis}`));
  return { name: tensor.name, type: { elementType: 'float32', shape } };
}

/** Builds the net of a net file from a model.json. Errors: model-invalid, config-invalid. */
export async function buildLayersNet(file: NetFile, path: string): Promise<UserNet> {
  const model = await readLayersModel(path);
  checkLayersWeights(model);
  await ensureBackend();
  const whole = await openLayersModel(model);
  const net = file.output.tensor === undefined ? whole : cutNetAfter(whole, file.output.tensor);
  const input = placeOf(net.inputs, 'input');
  checkInput(input, file);
  const dimensions = dimensionsOf(placeOf(net.outputs, 'output'), file);
  const weights = packNet({ model: await toLayersModel(net), adaptation: adaptationOf(file) });
  whole.dispose();
  const definition = definitionOf(file, weights, dimensions, '');
  return { weights, definition, openEngine: openTfjsEngine, single: takesOne(input) };
}
