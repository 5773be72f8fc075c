/** Prepares the ONNX model of a net file: checks it, cuts it, and adds its preprocessing as nodes. */
import { openOnnxEngine } from '@headwater/extractors';
import {
  adaptNet,
  checkWeights,
  cutAfter,
  type Model,
  probeTypes,
  readModel,
  type TensorType,
  vectorName,
  writeModel,
} from '@headwater/extractors/nets';
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

type Types = ReadonlyMap<string, TensorType>;

/** The net's only input. Errors: model-invalid for several inputs, or if images do not fit it. */
function inputOf(model: Model, file: NetFile, types: Types): Place {
  const weights = new Set(model.graph.initializers.map(({ name }) => name));
  const [input, ...more] = model.graph.inputs.filter(({ name }) => !weights.has(name));
  const type = input && types.get(input.name);
  if (!type || more.length > 0) throw invalid('the model must have one input: an image');
  const place = { name: input.name, type };
  checkInput(place, file);
  return place;
}

function outputOf(model: Model, types: Types): Place {
  const [output, ...more] = model.graph.outputs;
  if (!output || more.length > 0) {
    const names = model.graph.outputs.map(({ name }) => name).join(', ');
    throw invalid(`the model has several outputs (${names}); name one in output.tensor`);
  }
  const type = types.get(output.name);
  if (type) return { name: output.name, type };
  throw invalid(`output ${output.name} is not a tensor`);
}

/** Builds the net of a net file from an ONNX model's bytes. Errors: model-invalid, config-invalid. */
export async function buildOnnxNet(file: NetFile, bytes: Uint8Array): Promise<UserNet> {
  const whole = readModel(bytes);
  checkWeights(whole);
  const types = await probeTypes(whole);
  const model = file.output.tensor === undefined ? whole : cutAfter(whole, file.output.tensor, types);
  const input = inputOf(model, file, types);
  const { name, type } = outputOf(model, types);
  const dimensions = dimensionsOf({ name, type }, file);
  const weights = writeModel(adaptNet(model, input, { name, dimensions }, adaptationOf(file)));
  const definition = definitionOf(file, weights, dimensions, vectorName);
  return { weights, definition, openEngine: openOnnxEngine, single: takesOne(input) };
}
