/**
 * The parts of an ONNX model that graph editing needs: the inputs and outputs of nodes, and the names of weights. Field numbers
 * are those of onnx.proto (https://github.com/onnx/onnx/blob/main/onnx/onnx.proto), which never change.
 */
import { HeadwaterError } from '@headwater/errors';
import { contentOf, type Field, integersOf, readFields, textOf } from './wire.ts';

const model = { graph: 7, opset: 8 } as const;
export const graphField = {
  node: 1,
  name: 2,
  initializer: 5,
  input: 11,
  output: 12,
  valueInfo: 13,
  quantization: 14,
  sparseInitializer: 15,
} as const;
export const nodeField = { input: 1, output: 2, name: 3, operator: 4, attribute: 5, domain: 7 } as const;
const attributeField = { name: 1, graph: 6, graphs: 11 } as const;

/** A named part of the graph, and its field. */
export interface Named {
  readonly name: string;
  readonly field: Field;
}

export interface GraphNode extends Named {
  readonly operator: string;
  /** Empty for ONNX's own operators. */
  readonly domain: string;
  /** Input tensors, including those that inner graphs (If, Loop, Scan) capture from outside. */
  readonly reads: readonly string[];
  /** Output tensors; an unused optional one has no entry. */
  readonly makes: readonly string[];
}

export interface Graph {
  readonly name: string;
  readonly nodes: readonly GraphNode[];
  readonly inputs: readonly Named[];
  readonly outputs: readonly Named[];
  readonly initializers: readonly Named[];
  readonly sparseInitializers: readonly Named[];
  readonly valueInfos: readonly Named[];
  readonly quantizations: readonly Named[];
  /** All other fields of the graph. */
  readonly others: readonly Field[];
}

export interface Model {
  readonly graph: Graph;
  /** Version of ONNX's own operators. */
  readonly opset: number;
  /** Every field of the model but the graph. */
  readonly others: readonly Field[];
}

function select(fields: readonly Field[], number: number): Field[] {
  return fields.filter((field) => field.number === number);
}

function textsOf(fields: readonly Field[], number: number): string[] {
  return select(fields, number).map(textOf);
}

function nameIn(fields: readonly Field[], number: number): string {
  return textOf(fields.findLast((field) => field.number === number));
}

/** Tensors that the nodes of inner graphs read but do not produce. */
function capturedBy(attribute: Field): string[] {
  const fields = readFields(contentOf(attribute));
  const graphs = fields.filter(
    ({ number }) => number === attributeField.graph || number === attributeField.graphs,
  );
  return graphs.flatMap((field) => {
    const graph = readGraph(readFields(contentOf(field)));
    const inner = new Set([...graph.inputs, ...graph.initializers].map(({ name }) => name));
    for (const node of graph.nodes) for (const name of node.makes) inner.add(name);
    const read = [...graph.nodes.flatMap(({ reads }) => reads), ...graph.outputs.map(({ name }) => name)];
    return read.filter((name) => !inner.has(name));
  });
}

export function readNode(field: Field): GraphNode {
  const fields = readFields(contentOf(field));
  const captured = select(fields, nodeField.attribute).flatMap(capturedBy);
  const reads = [...textsOf(fields, nodeField.input), ...captured];
  return {
    field,
    name: nameIn(fields, nodeField.name),
    operator: nameIn(fields, nodeField.operator),
    domain: nameIn(fields, nodeField.domain),
    reads: reads.filter((name) => name !== ''),
    makes: textsOf(fields, nodeField.output).filter((name) => name !== ''),
  };
}

function readNamed(fields: readonly Field[], number: number, nameNumber: number): Named[] {
  return select(fields, number).map((field) => ({
    field,
    name: nameIn(readFields(contentOf(field)), nameNumber),
  }));
}

const tensorName = 8;

/** A sparse tensor has the name of its values. */
function readSparse(fields: readonly Field[]): Named[] {
  return select(fields, graphField.sparseInitializer).map((field) => {
    const [values] = select(readFields(contentOf(field)), 1);
    return { field, name: values ? nameIn(readFields(contentOf(values)), tensorName) : '' };
  });
}

function readGraph(fields: readonly Field[]): Graph {
  const read = new Set<number>(Object.values(graphField));
  return {
    name: nameIn(fields, graphField.name),
    nodes: select(fields, graphField.node).map(readNode),
    inputs: readNamed(fields, graphField.input, 1),
    outputs: readNamed(fields, graphField.output, 1),
    initializers: readNamed(fields, graphField.initializer, tensorName),
    sparseInitializers: readSparse(fields),
    valueInfos: readNamed(fields, graphField.valueInfo, 1),
    quantizations: readNamed(fields, graphField.quantization, 1),
    others: fields.filter(({ number }) => !read.has(number)),
  };
}

function opsetOf(fields: readonly Field[]): number {
  const own = select(fields, model.opset)
    .map((field) => readFields(contentOf(field)))
    .find((opset) => ['', 'ai.onnx'].includes(nameIn(opset, 1)));
  return own ? (integersOf(select(own, 2))[0] ?? 1) : 1;
}

/** Reads an ONNX model. Errors: model-invalid. */
export function readModel(bytes: Uint8Array): Model {
  const fields = readFields(bytes);
  const graph = fields.findLast(({ number }) => number === model.graph);
  if (graph === undefined) throw new HeadwaterError('model-invalid', 'the file is not an ONNX model');
  return {
    graph: readGraph(readFields(contentOf(graph))),
    opset: opsetOf(fields),
    others: fields.filter(({ number }) => number !== model.graph),
  };
}
