/**
 * Makes the preprocessing of a net part of the net: nodes at the front take the decoders' uint8 [N, side, side, channels], and
 * one at the end returns [N, dimensions]. Every engine call is therefore the same, the arithmetic runs in the engine, and the
 * digest of the net covers its preprocessing.
 */
import { HeadwaterError } from '@headwater/errors';
import {
  type Graph,
  type GraphNode,
  graphField,
  type Model,
  type Named,
  nodeField,
  readNode,
} from './graph.ts';
import { type ElementType, elementTypeNumber, type TensorType, valueInfo } from './value-info.ts';
import { bytesField, type Field, integerField, messageField, textField } from './wire.ts';

export interface InputAdaptation {
  readonly side: number;
  readonly channels: number;
  readonly layout: 'NHWC' | 'NCHW';
  /** Order of the colour channels in the net's input. */
  readonly order: 'rgb' | 'bgr' | 'gray';
  /** Applied first, as a factor, e.g. 1/255. */
  readonly scale: number;
  /** Subtracted next, one value per channel (red, green, blue, regardless of the order in the net). */
  readonly mean: readonly number[];
  /** Applied last, as a divisor, one value per channel. */
  readonly std: readonly number[];
}

/** `unit`: each vector divided by its Euclidean length (a zero vector stays zero). */
export interface OutputAdaptation {
  readonly normalization: 'none' | 'unit';
}

const prefix = 'headwater';
const float = elementTypeNumber('float32');
const int64 = elementTypeNumber('int64');

function attribute(name: string, value: number | readonly number[]): Field {
  const integers = typeof value !== 'number';
  const content = integers ? value.map((item) => integerField(8, item)) : [integerField(3, value)];
  return messageField(nodeField.attribute, [
    textField(1, name),
    ...content,
    integerField(20, integers ? 7 : 2),
  ]);
}

function node(
  operator: string,
  reads: readonly string[],
  makes: string,
  attributes: readonly Field[] = [],
): GraphNode {
  const fields = [
    ...reads.map((name) => textField(nodeField.input, name)),
    textField(nodeField.output, makes),
    textField(nodeField.name, makes),
    textField(nodeField.operator, operator),
    ...attributes,
  ];
  return readNode(messageField(graphField.node, fields));
}

function weight(name: string, type: number, dims: readonly number[], bytes: Uint8Array): Named {
  const fields = [
    ...dims.map((size) => integerField(1, size)),
    integerField(2, type),
    textField(8, name),
    bytesField(9, bytes),
  ];
  return { name, field: messageField(graphField.initializer, fields) };
}

/** Per-channel numbers that broadcast over [N, side, side, channels]. */
function channelWeight(name: string, values: readonly number[]): Named {
  return weight(name, float, [values.length], new Uint8Array(Float32Array.from(values).buffer));
}

/** The nodes at the front, each only if it changes something, in the order cast, scale, mean, std, channel order, layout, type. */
function inputNodes(adaptation: InputAdaptation, target: string, type: ElementType) {
  const nodes: GraphNode[] = [];
  const weights: Named[] = [];
  let last = `${prefix}.pixels`;
  const add = (
    step: string,
    operator: string,
    reads: readonly string[] = [],
    attributes?: readonly Field[],
  ) => {
    nodes.push(node(operator, [last, ...reads], `${prefix}.${step}`, attributes));
    last = `${prefix}.${step}`;
  };
  const arithmetic = (step: string, operator: string, values: readonly number[], neutral: number) => {
    if (values.every((value) => value === neutral)) return;
    weights.push(channelWeight(`${prefix}.${step}.values`, values));
    add(step, operator, [`${prefix}.${step}.values`]);
  };
  add('float', 'Cast', [], [attribute('to', float)]);
  arithmetic('scaled', 'Mul', [adaptation.scale], 1);
  arithmetic('centred', 'Sub', adaptation.mean, 0);
  arithmetic('divided', 'Div', adaptation.std, 1);
  if (adaptation.order === 'bgr') {
    const order = new Uint8Array(BigInt64Array.from([2n, 1n, 0n]).buffer);
    weights.push(weight(`${prefix}.order`, int64, [3], order));
    add('reordered', 'Gather', [`${prefix}.order`], [attribute('axis', 3)]);
  }
  if (adaptation.layout === 'NCHW') add('channels-first', 'Transpose', [], [attribute('perm', [0, 3, 1, 2])]);
  // The last node has the input name of the net; for float32 this is a no-op.
  nodes.push(node('Cast', [last], target, [attribute('to', elementTypeNumber(type))]));
  return { nodes, weights };
}

function outputNodes(adaptation: OutputAdaptation, source: string): GraphNode[] {
  const flat = [
    node('Cast', [source], `${prefix}.answer`, [attribute('to', float)]),
    node('Flatten', [`${prefix}.answer`], `${prefix}.flat`, [attribute('axis', 1)]),
  ];
  if (adaptation.normalization === 'none') return [...flat, node('Identity', [`${prefix}.flat`], vectorName)];
  const attributes = [attribute('axis', 1), attribute('p', 2)];
  return [...flat, node('LpNormalization', [`${prefix}.flat`], vectorName, attributes)];
}

/** The output of an adapted net. */
export const vectorName = `${prefix}.vector`;

/** The first opset whose Sub, Div and Mul broadcast. */
const leastOpset = 7;

/**
 * Turns a net of one input and one output into one that takes pixels and returns vectors. `input` is the type of its input.
 * Errors: model-invalid (operators older than version 7).
 */
export function adaptNet(
  model: Model,
  input: { readonly name: string; readonly type: TensorType },
  output: { readonly name: string; readonly dimensions: number },
  adaptation: InputAdaptation & OutputAdaptation,
): Model {
  if (model.opset < leastOpset) {
    const message = `the model uses ONNX opset ${model.opset}; at least ${leastOpset} is required`;
    throw new HeadwaterError('model-invalid', message);
  }
  const { side, channels } = adaptation;
  const batch = input.type.shape?.[0] ?? 'N';
  const front = inputNodes(adaptation, input.name, input.type.elementType);
  const pixels: TensorType = { elementType: 'uint8', shape: [batch, side, side, channels] };
  const vectors: TensorType = { elementType: 'float32', shape: [batch, output.dimensions] };
  const graph: Graph = {
    ...model.graph,
    nodes: [...front.nodes, ...model.graph.nodes, ...outputNodes(adaptation, output.name)],
    initializers: [...model.graph.initializers, ...front.weights],
    // Old models list their weights among the inputs.
    inputs: [
      valueInfo(`${prefix}.pixels`, pixels, graphField.input),
      ...model.graph.inputs.filter(({ name }) => name !== input.name),
    ],
    outputs: [valueInfo(vectorName, vectors, graphField.output)],
  };
  return { ...model, graph };
}
